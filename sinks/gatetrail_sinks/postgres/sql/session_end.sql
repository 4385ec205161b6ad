-- Whoever ends a session tells every process.
WITH ended AS (
    UPDATE mcp_sessions SET ended_at = now(), ended_because = %(because)s
    WHERE session_id = %(session_id)s AND ended_at IS NULL
    RETURNING *
)
SELECT session_id, user_id, tier, department, client_id, issuer, server_name, protocol_version, initialize::text,
       client_name, ended_because,
       pg_notify(%(channel)s, json_build_object('session_id', session_id, 'because', ended_because)::text)
FROM ended
