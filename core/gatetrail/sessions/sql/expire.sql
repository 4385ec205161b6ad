UPDATE sessions SET ended_us = :now_us, ended_because = :because
WHERE last_used_us < :unused_since_us AND ended_us IS NULL
RETURNING session_id, user_id, tier, department, client_id, issuer, server_name, protocol_version, initialize,
          client_name, ended_because
