-- The position of a sink; one that was never seen gets its first one.
WITH added AS (
    INSERT INTO sink_cursors (sink_name, seq)
    SELECT %(sink_name)s, CASE WHEN %(from_now)s THEN seq ELSE 0 END FROM chain_head
    ON CONFLICT (sink_name) DO NOTHING
    RETURNING seq
)
SELECT seq FROM added UNION ALL SELECT seq FROM sink_cursors WHERE sink_name = %(sink_name)s
