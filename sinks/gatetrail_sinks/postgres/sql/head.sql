SELECT chain_id::text, seq, event_hash FROM chain_head
