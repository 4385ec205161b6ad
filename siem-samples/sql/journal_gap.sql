-- journal_gap, question 15: events whose position is not the next one after the event before them, so that others are
-- missing in between. Variables: since, until. The event before may be older than since.
-- What the oldest event that is kept follows is not known; it is never reported. Events that are missing at the end of
-- the record leave no gap: hold the head against the last audit.checkpoint that your SIEM has (gatetrail verify does).
SELECT event.event_id, event.seq, event.recorded_at, event.event_name, body ->> 'instance_id' AS instance_id,
       before.seq AS seq_before, body ->> 'chain_id' AS chain_id, before.seq + 1 AS first_missing_seq,
       event.seq - 1 AS last_missing_seq, event.seq - before.seq - 1 AS missing_events
FROM audit_events AS event
CROSS JOIN LATERAL (
    SELECT earlier.seq
    FROM audit_events AS earlier
    WHERE earlier.seq < event.seq
      AND earlier.body ->> 'chain_id' = event.body ->> 'chain_id'
    ORDER BY earlier.seq DESC
    LIMIT 1
) AS before
WHERE event.recorded_at >= :'since'
  AND event.recorded_at <= :'until'
  AND event.seq > before.seq + 1
ORDER BY event.seq;
