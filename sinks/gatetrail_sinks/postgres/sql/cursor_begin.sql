-- The position of a sink; one that was never seen gets its first one, the end of the journal unless said otherwise.
WITH added AS (
    INSERT INTO sink_cursors (sink_name, seq)
    SELECT %(sink_name)s, coalesce(%(first_seq)s::bigint, seq) FROM chain_head
    ON CONFLICT (sink_name) DO NOTHING
    RETURNING seq
)
SELECT seq FROM added UNION ALL SELECT seq FROM sink_cursors WHERE sink_name = %(sink_name)s
