-- All that is known of a sink goes at once: of its events nothing, they stand in the journal.
WITH aside AS (
    DELETE FROM sink_quarantine WHERE sink_name = %(sink_name)s RETURNING seq
), replays AS (
    DELETE FROM sink_replays WHERE sink_name = %(sink_name)s RETURNING finished_at
), gone AS (
    DELETE FROM sink_cursors WHERE sink_name = %(sink_name)s RETURNING seq
)
SELECT gone.seq, (SELECT count(*) FROM aside), (SELECT count(*) FROM replays WHERE finished_at IS NULL) FROM gone
