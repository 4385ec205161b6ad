WITH aside AS (
    INSERT INTO sink_quarantine (sink_name, seq, event_id, event_name, body, reason)
    VALUES (%(sink_name)s, %(seq)s, (%(body)s::json ->> 'event_id')::uuid, %(event_name)s, %(body)s::json, %(reason)s)
    ON CONFLICT (sink_name, seq) DO UPDATE SET reason = excluded.reason, quarantined_at = excluded.quarantined_at
)
UPDATE sink_cursors
SET seq = %(seq)s, quarantined_count = quarantined_count + 1, updated_at = now(), last_error = NULL, failing_since = NULL
WHERE sink_name = %(sink_name)s
RETURNING seq
