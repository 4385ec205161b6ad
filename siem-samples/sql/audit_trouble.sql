-- Question 15: the record itself was in trouble: a reader never got events, a sink failed, a call could not be recorded.
-- Variables: since, until.
SELECT event_id, seq, recorded_at, event_name, body ->> 'sink_name' AS sink_name, body ->> 'reason' AS reason,
       (body ->> 'first_missing_seq')::bigint AS first_missing_seq, (body ->> 'last_missing_seq')::bigint AS last_missing_seq,
       (body ->> 'cursor_seq')::bigint AS cursor_seq, (body ->> 'quarantined_seq')::bigint AS quarantined_seq,
       user_id, server_name, tool_name, execution_id, body ->> 'instance_id' AS instance_id
FROM audit_events
WHERE (event_name IN ('audit.gap', 'audit.sink_failed') OR (event_name = 'tool_call.decided' AND gate = 'audit'))
  AND recorded_at >= :'since'
  AND recorded_at <= :'until'
ORDER BY seq;
