UPDATE mcp_sessions
SET server_name = %(server_name)s, protocol_version = %(protocol_version)s, initialize = %(initialize)s::jsonb,
    client_name = %(client_name)s
WHERE session_id = %(session_id)s AND ended_at IS NULL
