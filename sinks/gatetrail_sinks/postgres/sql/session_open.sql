INSERT INTO mcp_sessions (session_id, user_id, issuer, client_id, department, tier)
VALUES (%(session_id)s, %(user_id)s, %(issuer)s, %(client_id)s, %(department)s, %(tier)s)
ON CONFLICT (session_id) DO NOTHING
