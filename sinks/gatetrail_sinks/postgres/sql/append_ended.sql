-- Part of append: the outcome into the row of its decision.
ended AS (
    UPDATE mcp_tool_executions AS execution
    SET status = line.execution_status, finished_at = line."@timestamp", latency_ms = line.latency_ms,
        error_class = line.error_class, outcome_seq = line.seq
    FROM line, head
    WHERE line.event_name IN ('tool_call.completed', 'execution.orphaned')
        AND execution.execution_id = line.execution_id
        AND (line.event_name = 'tool_call.completed' OR execution.status = 'pending')
)
