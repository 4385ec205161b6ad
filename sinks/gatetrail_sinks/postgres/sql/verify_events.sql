-- Every line with what the columns beside it say; columns_agree is computed here, hashes are not.
SELECT event.seq, event.body::text, event.prev_hash, event.event_hash,
    (event.seq, event.event_id, event.event_name, event.recorded_at, event.user_id, event.session_id, event.trace_id,
        event.client_id, event.server_name, event.tool_name, event.execution_id, event.decision, event.gate)
    IS NOT DISTINCT FROM
    (told.seq, told.event_id, told.event_name, told."@timestamp", told.user_id, told.session_id, told.trace_id,
        told.client_id, told.server_name, told.tool_name, told.execution_id, told.decision, told.gate) AS columns_agree
FROM audit_events AS event,
    LATERAL json_to_record(event.body) AS told (
        "@timestamp" timestamptz, seq bigint, event_id uuid, event_name text, user_id text, session_id text,
        trace_id text, client_id text, server_name text, tool_name text, execution_id uuid, decision text, gate text
    )
ORDER BY event.seq
