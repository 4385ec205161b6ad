UPDATE sessions
SET server_name = :server_name, protocol_version = :protocol_version, initialize = :initialize,
    client_name = :client_name
WHERE session_id = :session_id AND ended_us IS NULL
