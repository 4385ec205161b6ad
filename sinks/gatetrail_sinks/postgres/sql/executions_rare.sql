-- The same for states that few executions are in: their rows lead, and `search` says of each decision whether it is wanted.
SELECT execution.*
FROM (
    SELECT execution_id::text, decided_seq, outcome_seq, status, gate, reason_code, server_name, tool_name, user_id, session_id,
        trace_id, client_id, caller_type, actual_tier, required_tier, rate_limit_tier, policy_version, started_at, finished_at,
        latency_ms, error_class, retry_after_ms, src_ip, instance_id::text
    FROM mcp_tool_executions
    WHERE status = %(status)s AND decided_seq > %(after_seq)s AND (%(before_seq)s::bigint IS NULL OR decided_seq < %(before_seq)s)
        AND (%(stuck_before)s::timestamptz IS NULL OR started_at < %(stuck_before)s::timestamptz)
        AND (%(since)s::timestamptz IS NULL OR execution_id >= gatetrail_id_floor(%(since)s::timestamptz - interval '1 second'))
    OFFSET 0
) AS execution CROSS JOIN LATERAL (
    SELECT seq FROM ({search} AND seq = execution.decided_seq) AS found OFFSET 0
) AS decided
WHERE true
