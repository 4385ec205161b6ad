SELECT user_id, tier, department, client_id, issuer FROM mcp_sessions WHERE session_id = %(session_id)s
