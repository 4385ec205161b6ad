-- Question 10: sessions with allowed calls from at least two addresses within an hour; each call at which that holds is
-- named. Variables: since, until. What came in the hour before since counts as well.
-- There are two addresses in an hour where two neighbours with different ones are: so each call needs to know only the
-- last change before it, and a session with many calls takes no longer than many sessions.
WITH call AS (
    SELECT event_id, seq, recorded_at, session_id, user_id, client_id, body ->> 'src_ip' AS src_ip, server_name, tool_name,
           body ->> 'http_user_agent' AS http_user_agent
    FROM audit_events
    WHERE event_name = 'tool_call.decided'
      AND decision = 'allow'
      AND session_id IS NOT NULL
      AND recorded_at >= :'since'::timestamptz - interval '1 hour'
      AND recorded_at <= :'until'
), step AS (
    SELECT *, lag(src_ip) OVER by_session AS previous_ip, lag(recorded_at) OVER by_session AS previous_at
    FROM call
    -- Calls without an address stand by themselves: they lie between no two others.
    WINDOW by_session AS (PARTITION BY session_id, src_ip IS NULL ORDER BY recorded_at, seq)
), change AS (
    SELECT *, max(previous_at) FILTER (WHERE src_ip <> previous_ip) OVER (PARTITION BY session_id ORDER BY recorded_at) AS other_at,
           min(src_ip) OVER (PARTITION BY session_id) AS one_ip, max(src_ip) OVER (PARTITION BY session_id) AS another_ip
    FROM step
)
SELECT event_id, seq, recorded_at, session_id, user_id, src_ip, one_ip, another_ip, other_at, client_id, http_user_agent,
       server_name, tool_name
FROM change
WHERE other_at >= recorded_at - interval '1 hour'
  AND recorded_at >= :'since'
ORDER BY seq;
