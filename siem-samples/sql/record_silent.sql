-- record_silent, question 15: heartbeats that came more than two minutes after the one before of the same process.
-- Variables: since, until. The one before may be older than since, however long the silence was.
-- A process that never beats again is not found here: each start has an instance_id of its own. For that ask the view
-- record_health when any process beat last.
WITH beat AS (
    -- A year of one process is half a million rows; the index audit_events_rare has them together.
    SELECT event_id, seq, recorded_at, body ->> 'instance_id' AS instance_id
    FROM audit_events
    WHERE event_name = 'audit.heartbeat'
      AND recorded_at <= :'until'
), step AS (
    SELECT *, lag(recorded_at) OVER (PARTITION BY instance_id ORDER BY seq) AS silent_from
    FROM beat
)
SELECT event_id, seq, recorded_at, instance_id, silent_from, recorded_at - silent_from AS silence,
       (body ->> 'allowed_count')::bigint AS allowed_count, (body ->> 'denied_count')::bigint AS denied_count,
       (body ->> 'completed_count')::bigint AS completed_count, (body ->> 'exported_count')::bigint AS exported_count
FROM step
-- Looked up for what is found, not carried along for every heartbeat.
CROSS JOIN LATERAL (SELECT body FROM audit_events AS told WHERE told.seq = step.seq LIMIT 1) AS counts
WHERE recorded_at - silent_from > interval '2 minutes'
  AND recorded_at >= :'since'
ORDER BY seq;
