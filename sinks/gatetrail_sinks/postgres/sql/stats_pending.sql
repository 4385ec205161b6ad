SELECT execution_id::text, server_name, tool_name, user_id, started_at,
    greatest(extract(epoch FROM clock_timestamp() - started_at), 0)::double precision
FROM mcp_tool_executions
WHERE status = 'pending' AND (%(owner)s::text[] IS NULL OR user_id = ANY(%(owner)s::text[]))
ORDER BY execution_id
LIMIT %(oldest)s
