SELECT client_id, user_id, gate, status, count(*), (array_agg(execution_id ORDER BY execution_id))[1]::text
FROM mcp_tool_executions
WHERE execution_id >= %(instance_id)s::uuid AND instance_id = %(instance_id)s::uuid AND method = 'tools/call'
GROUP BY client_id, user_id, gate, status
ORDER BY 6
