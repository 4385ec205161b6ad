-- Pending calls of one user in one agent's session, which the agent runs itself.
SELECT execution_id::text, instance_id::text, server_name, tool_name, trace_id, user_id, session_id, context_id, client_id, task_id
FROM mcp_tool_executions
WHERE status = 'pending' AND method = 'hooks/pre_tool_use' AND user_id IS NOT DISTINCT FROM %(user_id)s::text
    AND context_id = %(context_id)s
ORDER BY execution_id
LIMIT %(limit)s
