-- By the id of the decision; or by the id of an event, whose time is inside its UUIDv7 and narrows the look to a minute.
WITH wanted AS (
    SELECT decided_seq, outcome_seq FROM mcp_tool_executions
    WHERE execution_id = %(identifier)s::uuid
        OR execution_id = (
            SELECT execution_id FROM audit_events
            WHERE event_id = %(identifier)s::uuid
                AND recorded_at BETWEEN %(moment)s::timestamptz - interval '1 minute' AND %(moment)s::timestamptz + interval '1 minute'
            LIMIT 1
        )
)
SELECT seq, event_name, body::text FROM audit_events
WHERE seq IN (SELECT decided_seq FROM wanted UNION SELECT outcome_seq FROM wanted)
ORDER BY seq
