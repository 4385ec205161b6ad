-- Several processes may ask at once: each session is ended by one of them.
WITH unused AS (
    SELECT session_id FROM mcp_sessions
    WHERE ended_at IS NULL AND last_used_at < now() - make_interval(secs => %(unused_s)s)
    ORDER BY last_used_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), ended AS (
    UPDATE mcp_sessions AS session SET ended_at = now(), ended_because = %(because)s
    FROM unused WHERE session.session_id = unused.session_id
    RETURNING session.*
)
SELECT session_id, user_id, tier, department, client_id, issuer, server_name, protocol_version, initialize::text,
       client_name, ended_because,
       pg_notify(%(channel)s, json_build_object('session_id', session_id, 'because', ended_because)::text)
FROM ended
