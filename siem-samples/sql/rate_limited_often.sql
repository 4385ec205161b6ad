-- Question 2: users with at least 20 denials by the rate limit within an hour; each denial from the twentieth on is
-- named. Variables: since, until. What came in the hour before since counts as well.
WITH denial AS (
    SELECT event_id, seq, recorded_at, user_id, server_name, tool_name,
           count(*) OVER (PARTITION BY user_id ORDER BY recorded_at RANGE BETWEEN interval '1 hour' PRECEDING AND CURRENT ROW) AS denials
    FROM audit_events
    WHERE event_name = 'tool_call.decided'
      AND decision = 'deny'
      AND gate = 'rate_limit'
      AND user_id IS NOT NULL
      AND recorded_at >= :'since'::timestamptz - interval '1 hour'
      AND recorded_at <= :'until'
)
SELECT event_id, seq, recorded_at, user_id, denials, server_name, tool_name
FROM denial
WHERE denials >= 20
  AND recorded_at >= :'since'
ORDER BY seq;
