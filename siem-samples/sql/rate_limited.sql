-- Question 2: calls that the rate limit denied. Variables: since, until.
SELECT event_id, seq, recorded_at, user_id, client_id, body ->> 'caller_type' AS caller_type,
       body ->> 'src_ip' AS src_ip, body ->> 'rate_limit_tier' AS rate_limit_tier,
       (body ->> 'retry_after_ms')::bigint AS retry_after_ms, body ->> 'endpoint' AS endpoint,
       server_name, tool_name
FROM audit_events
WHERE event_name = 'tool_call.decided'
  AND decision = 'deny'
  AND gate = 'rate_limit'
  AND recorded_at >= :'since'
  AND recorded_at <= :'until'
ORDER BY seq;
