-- The oldest pending call that an agent reports on.
SELECT event.body::text
FROM mcp_tool_executions AS execution JOIN audit_events AS event ON event.seq = execution.decided_seq
WHERE execution.status = 'pending' AND execution.method = 'hooks/pre_tool_use'
    AND execution.server_name = %(server_name)s AND execution.tool_name = %(tool_name)s
    AND execution.user_id IS NOT DISTINCT FROM %(user_id)s::text
    AND execution.context_id = %(context_id)s::text
    AND CASE WHEN %(call_id)s::text IS NULL THEN event.body ->> 'arguments_digest' = %(arguments_digest)s
        ELSE event.body ->> 'call_id' = %(call_id)s::text END
ORDER BY execution.execution_id
LIMIT 1
