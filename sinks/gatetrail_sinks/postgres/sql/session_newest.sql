SELECT session_id, user_id, tier, department, client_id, issuer, server_name, protocol_version, initialize::text,
       client_name, ended_because, opened_at, last_used_at, ended_at
FROM mcp_sessions
WHERE %(user_id)s::text IS NULL OR user_id = %(user_id)s
ORDER BY last_used_at DESC, session_id
LIMIT %(limit)s
