-- Among the next so many events: the first one recorded at or after a moment, and the last one of all.
SELECT min(seq) FILTER (WHERE recorded_at >= %(moment)s::timestamptz), max(seq)
FROM (SELECT seq, recorded_at FROM audit_events WHERE seq > %(after_seq)s ORDER BY seq LIMIT %(limit)s) AS page
