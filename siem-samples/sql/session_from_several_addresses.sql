-- Question 10: sessions with allowed calls from at least two addresses within an hour; each call at which that holds is
-- named. Variables: since, until. What came in the hour before since counts as well.
WITH call AS (
    SELECT event_id, seq, recorded_at, session_id, user_id, body ->> 'src_ip' AS src_ip, server_name, tool_name
    FROM audit_events
    WHERE event_name = 'tool_call.decided'
      AND decision = 'allow'
      AND session_id IS NOT NULL
      AND recorded_at >= :'since'::timestamptz - interval '1 hour'
      AND recorded_at <= :'until'
)
SELECT call.event_id, call.seq, call.recorded_at, call.session_id, call.user_id, call.src_ip, one.addresses, call.server_name, call.tool_name
FROM call
CROSS JOIN LATERAL (
    SELECT count(DISTINCT earlier.src_ip) AS addresses
    FROM call AS earlier
    WHERE earlier.session_id = call.session_id
      AND earlier.recorded_at >= call.recorded_at - interval '1 hour'
      AND earlier.recorded_at <= call.recorded_at
) AS one
WHERE one.addresses >= 2
  AND call.recorded_at >= :'since'
ORDER BY call.seq;
