-- Question 8: calls whose process died before they had an outcome. Variables: since, until.
SELECT event_id, seq, recorded_at, execution_id, user_id, server_name, tool_name, session_id, trace_id,
       body ->> 'orphaned_instance_id' AS orphaned_instance_id
FROM audit_events
WHERE event_name = 'execution.orphaned'
  AND recorded_at >= :'since'
  AND recorded_at <= :'until'
ORDER BY seq;
