-- Every line with what the columns beside it say; columns_agree is computed here, hashes are not.
SELECT seq, body::text, prev_hash, event_hash,
    (seq, event_id, event_name, recorded_at, user_id, session_id, trace_id, client_id, server_name, tool_name, execution_id, decision, gate)
    IS NOT DISTINCT FROM
    (key.seq_, key.event_id, key.event_name, key."@timestamp", key.user_id, key.session_id, key.trace_id, key.client_id,
        key.server_name, key.tool_name, key.execution_id, key.decision, key.gate) AS columns_agree
FROM audit_events AS event,
    LATERAL (
        SELECT told.seq AS seq_, told.* FROM json_to_record(event.body) AS told (
            "@timestamp" timestamptz, seq bigint, event_id uuid, event_name text, user_id text, session_id text, trace_id text,
            client_id text, server_name text, tool_name text, execution_id uuid, decision text, gate text
        )
    ) AS key
ORDER BY seq
