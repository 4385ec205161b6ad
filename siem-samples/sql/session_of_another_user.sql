-- Question 9: who came with the session of somebody else, and was turned away. Variables: since, until.
SELECT event_id, seq, recorded_at, session_id, user_id, body ->> 'claimed_user_id' AS claimed_user_id,
       body ->> 'src_ip' AS src_ip, client_id, body ->> 'http_user_agent' AS http_user_agent,
       body ->> 'auth_method' AS auth_method, server_name, tool_name
FROM audit_events
WHERE event_name IN ('tool_call.decided', 'identity.refused')
  AND body ->> 'reason_code' = 'session_of_another_user'
  AND recorded_at >= :'since'
  AND recorded_at <= :'until'
ORDER BY seq;
