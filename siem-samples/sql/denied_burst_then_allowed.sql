-- denied_burst_then_allowed, question 5: calls that were allowed right after a denial, with at least five denials of the
-- user in the ten minutes up to them. Variables: since, until. The ten minutes before since count as well.
-- Rate denials are left out as if they had not been: to wait and come back is what they ask for. Anonymous callers have
-- no user_id and are left out, too.
WITH decided AS (
    SELECT event_id, seq, recorded_at, execution_id, user_id, session_id, client_id, server_name, tool_name, decision,
           body ->> 'src_ip' AS src_ip,
           lag(decision) OVER (PARTITION BY user_id ORDER BY seq) AS previous_decision
    FROM audit_events
    WHERE event_name = 'tool_call.decided'
      AND gate <> 'rate_limit'
      AND user_id IS NOT NULL
      AND recorded_at >= :'since'::timestamptz - interval '10 minutes'
      AND recorded_at <= :'until'
)
SELECT allowed.event_id, allowed.seq, allowed.recorded_at, allowed.user_id, allowed.server_name, allowed.tool_name, allowed.session_id,
       allowed.client_id, allowed.src_ip, allowed.execution_id, count(*) AS denials, min(denial.recorded_at) AS denied_since,
       array_agg(DISTINCT denial.server_name || '/' || denial.tool_name) AS denied_tools
FROM decided AS allowed
JOIN decided AS denial
  ON denial.user_id = allowed.user_id
 AND denial.decision = 'deny'
 AND denial.seq < allowed.seq
 AND denial.recorded_at >= allowed.recorded_at - interval '10 minutes'
WHERE allowed.decision = 'allow'
  AND allowed.previous_decision = 'deny'
  AND allowed.recorded_at >= :'since'
GROUP BY allowed.event_id, allowed.seq, allowed.recorded_at, allowed.user_id, allowed.server_name, allowed.tool_name,
         allowed.session_id, allowed.client_id, allowed.src_ip, allowed.execution_id
HAVING count(*) >= 5
ORDER BY allowed.seq;
