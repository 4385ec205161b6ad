-- The journal has no holes but what retention has taken from its beginning, so nothing needs to be counted.
WITH first AS (
    SELECT seq, recorded_at FROM audit_events WHERE seq BETWEEN %(first_seq)s AND %(last_seq)s ORDER BY seq LIMIT 1
), last AS (
    SELECT seq, recorded_at FROM audit_events WHERE seq BETWEEN %(first_seq)s AND %(last_seq)s ORDER BY seq DESC LIMIT 1
)
SELECT coalesce((SELECT seq FROM last) - (SELECT seq FROM first) + 1, 0),
    (SELECT recorded_at FROM first), (SELECT recorded_at FROM last)
