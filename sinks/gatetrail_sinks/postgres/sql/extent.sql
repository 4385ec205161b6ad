SELECT count(*),
    (SELECT recorded_at FROM audit_events WHERE seq BETWEEN %(first_seq)s AND %(last_seq)s ORDER BY seq LIMIT 1),
    (SELECT recorded_at FROM audit_events WHERE seq BETWEEN %(first_seq)s AND %(last_seq)s ORDER BY seq DESC LIMIT 1)
FROM audit_events
WHERE seq BETWEEN %(first_seq)s AND %(last_seq)s
