-- The columns come from who asks. What an open replay brings stays with it. A replay that somebody asked for while this
-- waited for the row is not seen here and must count as open; so it is looked for the finished ones.
WITH wanted AS MATERIALIZED (
    SELECT seq FROM sink_quarantine AS aside
    WHERE sink_name = %(sink_name)s AND (%(seqs)s::bigint[] IS NULL OR seq = ANY(%(seqs)s::bigint[]))
        AND (replay_id IS NULL OR EXISTS (
            SELECT FROM sink_replays WHERE sink_replays.replay_id = aside.replay_id AND finished_at IS NOT NULL
        ))
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
