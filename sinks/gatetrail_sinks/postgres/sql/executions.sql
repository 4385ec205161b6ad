-- Executions of the decisions that `search` finds, which is put in where it is named. The journal leads, because it has the order.
SELECT execution.execution_id::text, execution.decided_seq, execution.outcome_seq, execution.status, execution.gate,
    execution.reason_code, execution.server_name, execution.tool_name, execution.user_id, execution.session_id,
    execution.trace_id, execution.client_id, execution.caller_type, execution.actual_tier, execution.required_tier,
    execution.rate_limit_tier, execution.policy_version, execution.started_at, execution.finished_at, execution.latency_ms,
    execution.error_class, execution.retry_after_ms, execution.src_ip, execution.instance_id::text
FROM ({search}) AS decided JOIN mcp_tool_executions AS execution
    ON execution.execution_id = decided.execution_id AND execution.decided_seq = decided.seq
WHERE (%(status)s::text IS NULL OR execution.status = %(status)s)
    AND (%(stuck_before)s::timestamptz IS NULL OR execution.started_at < %(stuck_before)s::timestamptz)
