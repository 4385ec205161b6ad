-- call_without_outcome, question 8: allowed calls that at the time of asking are older than five minutes and have no
-- outcome, nor were closed as orphaned. Variables: since, until, which is the time of asking. Calls from before since
-- are not reported, however long they hang.
SELECT event_id, seq, recorded_at, :'until'::timestamptz - recorded_at AS age, execution_id, server_name, tool_name, user_id,
       session_id, client_id, body ->> 'instance_id' AS instance_id, trace_id
FROM audit_events AS call
WHERE event_name = 'tool_call.decided'
  AND decision = 'allow'
  AND recorded_at >= :'since'
  AND recorded_at < :'until'::timestamptz - interval '5 minutes'
  AND NOT EXISTS (
          -- Its time is no earlier than that of the decision, unless clocks differ: an hour is given for that.
          SELECT FROM audit_events AS outcome
          WHERE outcome.execution_id = call.execution_id
            AND outcome.event_name IN ('tool_call.completed', 'execution.orphaned')
            AND outcome.recorded_at >= :'since'::timestamptz - interval '1 hour'
            AND outcome.recorded_at <= :'until')
ORDER BY seq;
