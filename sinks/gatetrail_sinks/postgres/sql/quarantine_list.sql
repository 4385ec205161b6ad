SELECT sink_name, seq, event_name, body::text, reason, quarantined_at, replay_id
FROM sink_quarantine
WHERE (sink_name, seq) > (%(after_name)s, %(after_seq)s) AND (%(sink_name)s::text IS NULL OR sink_name = %(sink_name)s)
ORDER BY sink_name, seq LIMIT %(limit)s
