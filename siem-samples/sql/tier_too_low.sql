-- Question 4: calls whose tier was below the required one. Variables: since, until.
SELECT event_id, seq, recorded_at, user_id, body ->> 'caller_type' AS caller_type, body ->> 'actual_tier' AS actual_tier,
       body ->> 'required_tier' AS required_tier, body ->> 'reason_code' AS reason_code, server_name, tool_name,
       client_id, session_id, body ->> 'src_ip' AS src_ip
FROM audit_events
WHERE event_name = 'tool_call.decided'
  AND decision = 'deny'
  AND body ->> 'reason_code' IN ('tier_too_low', 'session_tier_too_low')
  AND recorded_at >= :'since'
  AND recorded_at <= :'until'
ORDER BY seq;
