SELECT seq FROM audit_events
WHERE seq > %(after_seq)s AND seq <= %(last_seq)s AND recorded_at < %(moment)s::timestamptz
ORDER BY seq DESC LIMIT 1
