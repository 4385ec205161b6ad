-- Pending calls that agents run themselves and have not reported on for too long.
SELECT execution_id::text, instance_id::text, server_name, tool_name, trace_id, user_id, session_id, context_id, client_id, task_id
FROM mcp_tool_executions
WHERE status = 'pending' AND method = 'hooks/pre_tool_use'
    AND execution_id < gatetrail_id_floor(now() - make_interval(secs => %(after_s)s))
ORDER BY execution_id
LIMIT %(limit)s
