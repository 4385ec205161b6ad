-- admin_call_off_hours, question 12: people's calls to tools that demand tier admin at the week-end, before six or from
-- eight in the evening on, in UTC. Variables: since, until. For your own hours change the zone and the two numbers.
-- caller_type is what the token says that the party is: services and agents are left out, they do not sleep.
SELECT event_id, seq, recorded_at, user_id, body ->> 'caller_type' AS caller_type, server_name, tool_name, session_id, client_id,
       body ->> 'src_ip' AS src_ip
FROM audit_events
WHERE event_name = 'tool_call.decided'
  AND decision = 'allow'
  AND recorded_at >= :'since'
  AND recorded_at <= :'until'
  AND (extract(isodow FROM recorded_at AT TIME ZONE 'UTC') >= 6
       OR extract(hour FROM recorded_at AT TIME ZONE 'UTC') < 6
       OR extract(hour FROM recorded_at AT TIME ZONE 'UTC') >= 20)
  AND body ->> 'required_tier' = 'admin'
  AND body ->> 'caller_type' IN ('admin', 'user')
ORDER BY seq;
