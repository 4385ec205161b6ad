-- An event that is put aside a second time keeps its row, with the new reason, and another replay that is to send it.
-- One from the quarantine itself keeps its id: a journal that was set back may have another event in its place.
WITH replay AS (
    SELECT replay_id FROM sink_replays WHERE replay_id = %(replay_id)s AND finished_at IS NULL
), aside AS (
    INSERT INTO sink_quarantine (sink_name, seq, event_id, event_name, body, reason)
    SELECT %(sink_name)s, %(seq)s, (SELECT event_id FROM audit_events WHERE seq = %(seq)s),
        %(event_name)s, %(body)s::json, %(reason)s
    FROM replay
    ON CONFLICT (sink_name, seq) DO UPDATE SET
        event_id = CASE
            WHEN sink_quarantine.replay_id = %(replay_id)s THEN sink_quarantine.event_id ELSE excluded.event_id
        END,
        event_name = excluded.event_name, body = excluded.body,
        reason = excluded.reason, quarantined_at = excluded.quarantined_at,
        replay_id = nullif(sink_quarantine.replay_id, %(replay_id)s)
)
UPDATE sink_replays
SET next_seq = %(seq)s + 1, quarantined_count = quarantined_count + 1, last_error = NULL,
    finished_at = CASE WHEN %(seq)s >= last_seq THEN now() END
WHERE replay_id = %(replay_id)s AND finished_at IS NULL
