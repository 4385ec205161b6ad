WITH cleared AS (
    DELETE FROM sink_quarantine WHERE sink_name = %(sink_name)s AND seq = ANY(%(seqs)s)
)
UPDATE sink_replays
SET next_seq = %(next_seq)s, delivered_count = delivered_count + %(delivered)s, last_error = NULL,
    finished_at = CASE WHEN %(next_seq)s > last_seq THEN now() END
WHERE replay_id = %(replay_id)s AND finished_at IS NULL
