-- Question 3: addresses with at least 20 probes within five minutes; each probe from the twentieth on is named.
-- Variables: since, until. What came in the five minutes before since counts as well.
WITH probe AS (
    SELECT event_id, seq, recorded_at, body ->> 'src_ip' AS src_ip, user_id, body,
           count(*) OVER (PARTITION BY body ->> 'src_ip' ORDER BY recorded_at
                          RANGE BETWEEN interval '5 minutes' PRECEDING AND CURRENT ROW) AS probes
    FROM audit_events
    WHERE event_name IN ('tool_call.decided', 'scanner.detected')
      AND decision = 'deny'
      AND gate = 'scanner'
      AND body ->> 'src_ip' IS NOT NULL
      AND recorded_at >= :'since'::timestamptz - interval '5 minutes'
      AND recorded_at <= :'until'
)
SELECT event_id, seq, recorded_at, src_ip, probes, body ->> 'reason_code' AS reason_code, body ->> 'rule_id' AS rule_id,
       body ->> 'http_user_agent' AS http_user_agent, user_id
FROM probe
WHERE probes >= 20
  AND recorded_at >= :'since'
ORDER BY seq;
