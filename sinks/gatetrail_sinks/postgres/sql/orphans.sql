-- Pending calls of processes that hold no lock any more; agents' own calls (hooks/pre_tool_use) outlive them. Just after a start of the server the living have not come back yet.
WITH pending_instance AS MATERIALIZED (
    SELECT DISTINCT instance_id FROM mcp_tool_executions WHERE status = 'pending' AND method <> 'hooks/pre_tool_use' AND instance_id <> %(own_instance_id)s
), dead AS MATERIALIZED (
    SELECT instance_id FROM pending_instance WHERE pg_try_advisory_xact_lock(hashtextextended(instance_id::text, 7))
)
SELECT execution_id::text, instance_id::text, server_name, tool_name, trace_id, user_id, session_id, context_id, client_id, task_id
FROM mcp_tool_executions JOIN dead USING (instance_id)
WHERE status = 'pending' AND method <> 'hooks/pre_tool_use'
ORDER BY execution_id
LIMIT %(limit)s
