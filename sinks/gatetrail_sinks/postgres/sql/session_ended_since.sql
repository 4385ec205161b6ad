SELECT session_id, ended_because FROM mcp_sessions WHERE ended_at > now() - make_interval(secs => %(since_s)s)
