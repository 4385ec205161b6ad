SELECT session_id, user_id, tier, department, client_id, issuer, server_name, protocol_version, initialize,
       client_name, ended_because, opened_us, last_used_us, ended_us
FROM sessions
WHERE :user_id IS NULL OR user_id = :user_id
ORDER BY last_used_us DESC, session_id
LIMIT :limit
