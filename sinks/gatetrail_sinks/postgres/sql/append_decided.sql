-- Part of append: a row for each decision.
decided AS (
    INSERT INTO mcp_tool_executions (execution_id, trace_id, user_id, session_id, context_id, client_id, task_id,
        server_name, tool_name, method, caller_type, actual_tier, required_tier, rate_limit_tier, department,
        status, gate, reason_code, policy_version, instance_id, src_ip, retry_after_ms, started_at, decided_seq)
    SELECT execution_id, trace_id, user_id, session_id, context_id, client_id, task_id,
        server_name, tool_name, method, caller_type, actual_tier, required_tier, rate_limit_tier, department,
        execution_status, gate, reason_code, policy_version, instance_id, src_ip, retry_after_ms, "@timestamp", line.seq
    FROM line, head
    WHERE event_name = 'tool_call.decided'
)
