-- Question 9: sessions in which at least two programs made allowed calls within a day; each call at which that holds is
-- named. Variables: since, until. What came in the day before since counts as well.
WITH call AS (
    SELECT event_id, seq, recorded_at, session_id, user_id, client_id, server_name, tool_name
    FROM audit_events
    WHERE event_name = 'tool_call.decided'
      AND decision = 'allow'
      AND session_id IS NOT NULL
      AND recorded_at >= :'since'::timestamptz - interval '1 day'
      AND recorded_at <= :'until'
)
SELECT call.event_id, call.seq, call.recorded_at, call.session_id, call.user_id, call.client_id, one.clients, call.server_name, call.tool_name
FROM call
CROSS JOIN LATERAL (
    SELECT count(DISTINCT earlier.client_id) AS clients
    FROM call AS earlier
    WHERE earlier.session_id = call.session_id
      AND earlier.recorded_at >= call.recorded_at - interval '1 day'
      AND earlier.recorded_at <= call.recorded_at
) AS one
WHERE one.clients >= 2
  AND call.recorded_at >= :'since'
ORDER BY call.seq;
