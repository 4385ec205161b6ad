SELECT seq, event_name, body::text FROM audit_events WHERE seq > %(after_seq)s ORDER BY seq LIMIT %(limit)s
