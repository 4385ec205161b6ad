-- Question 1: calls that were denied, and why. Variables: since, until.
SELECT event_id, seq, recorded_at, gate, body ->> 'reason_code' AS reason_code, user_id, server_name, tool_name, body ->> 'reason' AS reason
FROM audit_events
WHERE event_name = 'tool_call.decided'
  AND decision = 'deny'
  AND recorded_at >= :'since'
  AND recorded_at <= :'until'
ORDER BY seq;
