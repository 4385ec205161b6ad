-- A session that another process writes at this moment is in use without us. Nobody waits for anybody.
WITH free AS (
    SELECT session_id FROM mcp_sessions
    WHERE session_id = ANY (%(session_ids)s) AND ended_at IS NULL
    FOR UPDATE SKIP LOCKED
)
UPDATE mcp_sessions AS session SET last_used_at = now() FROM free WHERE session.session_id = free.session_id
