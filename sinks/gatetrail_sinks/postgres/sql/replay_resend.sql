-- The columns come from who asks.
WITH wanted AS MATERIALIZED (
    SELECT seq FROM sink_quarantine
    WHERE sink_name = %(sink_name)s AND (%(seqs)s::bigint[] IS NULL OR seq = ANY(%(seqs)s::bigint[]))
    FOR UPDATE
), asked AS (
    INSERT INTO sink_replays (sink_name, kind, first_seq, last_seq, next_seq)
    SELECT %(sink_name)s, 'quarantine', min(seq), max(seq), min(seq) FROM wanted HAVING count(*) > 0
    RETURNING *
), marked AS (
    UPDATE sink_quarantine AS aside SET replay_id = asked.replay_id
    FROM asked, wanted
    WHERE aside.sink_name = %(sink_name)s AND aside.seq = wanted.seq
)
