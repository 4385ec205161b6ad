SELECT session_id, user_id, tier, department, client_id, issuer, server_name, protocol_version, initialize,
       client_name, ended_because
FROM sessions WHERE session_id = :session_id
