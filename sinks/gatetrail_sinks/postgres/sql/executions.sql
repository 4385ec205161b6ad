-- Executions of the decisions that `search` finds in its order. The journal leads, because it has the order; OFFSET 0 keeps it so.
SELECT execution.*
FROM ({search}) AS decided CROSS JOIN LATERAL (
    SELECT execution_id::text, decided_seq, outcome_seq, status, gate, reason_code, server_name, tool_name, user_id, session_id,
        trace_id, client_id, caller_type, actual_tier, required_tier, rate_limit_tier, policy_version, started_at, finished_at,
        latency_ms, error_class, retry_after_ms, src_ip, instance_id::text
    FROM mcp_tool_executions WHERE mcp_tool_executions.execution_id = decided.execution_id OFFSET 0
) AS execution
WHERE execution.decided_seq = decided.seq AND (%(status)s::text IS NULL OR execution.status = %(status)s)
