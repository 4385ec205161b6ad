-- A journal that was set back may have another event in the place of one that was put aside; that one stays.
WITH cleared AS (
    DELETE FROM sink_quarantine AS aside
    WHERE sink_name = %(sink_name)s AND seq = ANY(%(seqs)s) AND (
        replay_id = %(replay_id)s
        OR event_id IS NOT DISTINCT FROM (SELECT event_id FROM audit_events WHERE audit_events.seq = aside.seq)
    )
)
UPDATE sink_replays
SET next_seq = %(next_seq)s, delivered_count = delivered_count + %(delivered)s, last_error = NULL,
    finished_at = CASE WHEN %(next_seq)s > last_seq THEN now() END
WHERE replay_id = %(replay_id)s AND finished_at IS NULL
