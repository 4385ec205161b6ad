-- tool_new_for_user, question 6: the first allowed call of a user to a tool, when the user has been known for at least
-- seven days. Variables: since, until. The baseline is all that the record still holds from before.
-- Both looks into the baseline go through the index (user_id, seq) and end at the first row that decides; only a tool
-- that is really new costs a pass over all rows of its user.
WITH first_in_span AS (
    SELECT DISTINCT ON (user_id, server_name, tool_name)
           event_id, seq, recorded_at, user_id, server_name, tool_name, session_id, client_id, trace_id, body
    FROM audit_events
    WHERE event_name = 'tool_call.decided'
      AND decision = 'allow'
      AND user_id IS NOT NULL
      AND recorded_at >= :'since'
      AND recorded_at <= :'until'
    ORDER BY user_id, server_name, tool_name, seq
)
SELECT event_id, seq, recorded_at, user_id, server_name, tool_name, body ->> 'required_tier' AS required_tier, session_id,
       client_id, body ->> 'src_ip' AS src_ip, trace_id
FROM first_in_span AS used
WHERE NOT EXISTS (
          SELECT FROM audit_events AS earlier
          WHERE earlier.user_id = used.user_id
            AND earlier.seq < used.seq
            AND earlier.event_name = 'tool_call.decided'
            AND earlier.decision = 'allow'
            AND earlier.server_name = used.server_name
            AND earlier.tool_name = used.tool_name)
  AND EXISTS (
          -- A denial makes a user known as well as an allowed call does.
          SELECT FROM audit_events AS known
          WHERE known.user_id = used.user_id
            AND known.seq < used.seq
            AND known.event_name = 'tool_call.decided'
            AND known.recorded_at <= used.recorded_at - interval '7 days')
ORDER BY seq;
