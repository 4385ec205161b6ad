-- admin_tool_first_used, question 7: the first allowed call by anybody to a tool that demands tier admin, when the
-- record goes back at least seven days before it. Variables: since, until. The baseline is all that the record holds.
-- A tool that was used while it demanded less is new here once it demands admin. No index leads to a tool, so where
-- admin tools were used within the span this reads the whole record once: give it a replica or the night.
WITH admin_call AS (
    SELECT DISTINCT ON (server_name, tool_name)
           event_id, seq, recorded_at, server_name, tool_name, user_id, session_id, client_id, trace_id, body
    FROM audit_events
    WHERE event_name = 'tool_call.decided'
      AND decision = 'allow'
      AND recorded_at >= :'since'
      AND recorded_at <= :'until'
      AND body ->> 'required_tier' = 'admin'
    ORDER BY server_name, tool_name, seq
)
SELECT event_id, seq, recorded_at, server_name, tool_name, user_id, body ->> 'actual_tier' AS actual_tier,
       body ->> 'caller_type' AS caller_type, session_id, client_id, body ->> 'src_ip' AS src_ip, trace_id
FROM admin_call AS used
WHERE NOT EXISTS (
          SELECT FROM audit_events AS earlier
          WHERE earlier.server_name = used.server_name
            AND earlier.tool_name = used.tool_name
            AND earlier.seq < used.seq
            AND earlier.event_name = 'tool_call.decided'
            AND earlier.decision = 'allow'
            AND earlier.body ->> 'required_tier' = 'admin')
  AND EXISTS (
          SELECT FROM audit_events AS known
          WHERE known.event_name = 'tool_call.decided'
            AND known.seq < used.seq
            AND known.recorded_at <= used.recorded_at - interval '7 days')
ORDER BY seq;
