UPDATE mcp_sessions SET last_used_at = now() WHERE session_id = ANY (%(session_ids)s) AND ended_at IS NULL
