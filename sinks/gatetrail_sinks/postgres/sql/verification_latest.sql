SELECT checked_at, intact, head_seq, head_hash, events, executions, flaw, flawed_seq, flawed_execution_id::text, detail
FROM verifications
ORDER BY verification_id DESC
LIMIT 1
