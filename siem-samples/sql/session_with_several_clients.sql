-- Question 9: sessions in which at least two programs made allowed calls within a day; each call at which that holds is
-- named. Variables: since, until. What came in the day before since counts as well.
-- There are two programs in a day where two neighbours with different ones are: so each call needs to know only the
-- last change before it, and a session with many calls takes no longer than many sessions.
WITH call AS (
    SELECT event_id, seq, recorded_at, session_id, user_id, body ->> 'src_ip' AS src_ip, client_id, server_name, tool_name,
           body ->> 'http_user_agent' AS http_user_agent
    FROM audit_events
    WHERE event_name = 'tool_call.decided'
      AND decision = 'allow'
      AND session_id IS NOT NULL
      AND recorded_at >= :'since'::timestamptz - interval '1 day'
      AND recorded_at <= :'until'
), step AS (
    SELECT *, lag(client_id) OVER by_session AS previous_client, lag(recorded_at) OVER by_session AS previous_at
    FROM call
    -- Calls without a program stand by themselves: they lie between no two others.
    WINDOW by_session AS (PARTITION BY session_id, client_id IS NULL ORDER BY recorded_at, seq)
), change AS (
    SELECT *, max(previous_at) FILTER (WHERE client_id <> previous_client) OVER (PARTITION BY session_id ORDER BY recorded_at) AS other_at,
           min(client_id) OVER (PARTITION BY session_id) AS one_client, max(client_id) OVER (PARTITION BY session_id) AS another_client
    FROM step
)
SELECT event_id, seq, recorded_at, session_id, user_id, client_id, one_client, another_client, other_at, src_ip, http_user_agent,
       server_name, tool_name
FROM change
WHERE other_at >= recorded_at - interval '1 day'
  AND recorded_at >= :'since'
ORDER BY seq;
