-- Question 14: all that happened in one trace, from decision to outcome. Variables: trace_id, since, until.
SELECT event_id, seq, recorded_at, event_name, user_id, server_name, tool_name, decision, gate, body ->> 'reason' AS reason, execution_id,
       body ->> 'execution_status' AS execution_status, (body ->> 'latency_ms')::double precision AS latency_ms,
       body ->> 'error_class' AS error_class
FROM audit_events
WHERE trace_id = :'trace_id'
  AND recorded_at >= :'since'
  AND recorded_at <= :'until'
ORDER BY seq;
