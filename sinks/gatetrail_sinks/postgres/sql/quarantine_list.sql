SELECT sink_name, seq, event_name, body::text, reason, quarantined_at, (
    SELECT replay_id FROM sink_replays WHERE sink_replays.replay_id = aside.replay_id AND finished_at IS NULL
)
FROM sink_quarantine AS aside
WHERE (sink_name, seq) > (%(after_name)s, %(after_seq)s) AND (%(sink_name)s::text IS NULL OR sink_name = %(sink_name)s)
ORDER BY sink_name, seq LIMIT %(limit)s
