-- Question 3: probes that the scanner stopped, as tool calls and as requests that never became one.
-- Variables: since, until.
SELECT event_id, seq, recorded_at, body ->> 'src_ip' AS src_ip, user_id, body ->> 'reason_code' AS reason_code,
       body ->> 'rule_id' AS rule_id, body ->> 'reason' AS reason, body ->> 'endpoint' AS endpoint, server_name, tool_name,
       body ->> 'http_user_agent' AS http_user_agent
FROM audit_events
WHERE event_name IN ('tool_call.decided', 'scanner.detected')
  AND decision = 'deny'
  AND gate = 'scanner'
  AND recorded_at >= :'since'
  AND recorded_at <= :'until'
ORDER BY seq;
