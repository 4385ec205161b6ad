-- Question 2: users with at least 20 denials by the rate limit within an hour; each denial from the twentieth on is
-- named. Variables: since, until. What came in the hour before since counts as well.
WITH denial AS (
    SELECT event_id, seq, recorded_at, user_id, client_id, server_name, tool_name, body,
           count(*) OVER (PARTITION BY user_id ORDER BY recorded_at RANGE BETWEEN interval '1 hour' PRECEDING AND CURRENT ROW) AS denials
    FROM audit_events
    WHERE event_name = 'tool_call.decided'
      AND decision = 'deny'
      AND gate = 'rate_limit'
      AND user_id IS NOT NULL
      AND recorded_at >= :'since'::timestamptz - interval '1 hour'
      AND recorded_at <= :'until'
)
SELECT event_id, seq, recorded_at, user_id, denials, client_id, body ->> 'rate_limit_tier' AS rate_limit_tier, body ->> 'src_ip' AS src_ip,
       server_name, tool_name, (body ->> 'retry_after_ms')::bigint AS retry_after_ms
FROM denial
WHERE denials >= 20
  AND recorded_at >= :'since'
ORDER BY seq;
