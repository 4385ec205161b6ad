DELETE FROM mcp_sessions WHERE ended_at < now() - make_interval(secs => %(kept_s)s)
