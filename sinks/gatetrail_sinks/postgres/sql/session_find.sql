SELECT session_id, user_id, tier, department, client_id, issuer, server_name, protocol_version, initialize::text,
       client_name, ended_because
FROM mcp_sessions WHERE session_id = %(session_id)s
