-- The id comes from the journal's column: a body that somebody has tampered with may have none.
WITH aside AS (
    INSERT INTO sink_quarantine (sink_name, seq, event_id, event_name, body, reason)
    SELECT %(sink_name)s, %(seq)s, (SELECT event_id FROM audit_events WHERE seq = %(seq)s),
        %(event_name)s, %(body)s::json, %(reason)s
    ON CONFLICT (sink_name, seq) DO UPDATE SET event_id = excluded.event_id, event_name = excluded.event_name,
        body = excluded.body, reason = excluded.reason, quarantined_at = excluded.quarantined_at, replay_id = NULL
)
UPDATE sink_cursors
SET seq = %(seq)s, quarantined_count = quarantined_count + 1, updated_at = now(), moved_at = now(),
    last_error = NULL, failing_since = NULL
WHERE sink_name = %(sink_name)s
RETURNING seq
