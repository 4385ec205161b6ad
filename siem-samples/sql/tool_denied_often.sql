-- Question 11: tools with at least 25 denials by scope, blocklist or hook within an hour; each denial from the
-- twenty-fifth on is named. Variables: since, until. What came in the hour before since counts as well.
WITH denial AS (
    SELECT event_id, seq, recorded_at, server_name, tool_name, user_id, client_id, gate, body ->> 'reason_code' AS reason_code,
           body ->> 'rule_id' AS rule_id,
           count(*) OVER (PARTITION BY server_name, tool_name ORDER BY recorded_at
                          RANGE BETWEEN interval '1 hour' PRECEDING AND CURRENT ROW) AS denials
    FROM audit_events
    WHERE event_name = 'tool_call.decided'
      AND decision = 'deny'
      AND gate IN ('scope', 'blocklist', 'hook')
      AND server_name IS NOT NULL
      AND tool_name IS NOT NULL
      AND recorded_at >= :'since'::timestamptz - interval '1 hour'
      AND recorded_at <= :'until'
)
SELECT event_id, seq, recorded_at, server_name, tool_name, denials, gate, reason_code, rule_id, user_id, client_id
FROM denial
WHERE denials >= 25
  AND recorded_at >= :'since'
ORDER BY seq;
