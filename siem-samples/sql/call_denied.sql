-- Question 1: calls that were denied, and why. Variables: since, until.
SELECT event_id, seq, recorded_at, gate, body ->> 'reason_code' AS reason_code, body ->> 'reason' AS reason,
       body ->> 'rule_id' AS rule_id, user_id, client_id, body ->> 'src_ip' AS src_ip, server_name, tool_name, execution_id
FROM audit_events
WHERE event_name = 'tool_call.decided'
  AND decision = 'deny'
  AND recorded_at >= :'since'
  AND recorded_at <= :'until'
ORDER BY seq;
