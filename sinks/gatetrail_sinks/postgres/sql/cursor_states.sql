-- Every sink beside what it has to be compared with, as of one moment: the head, what waits, and who holds the lock.
WITH owned AS MATERIALIZED (
    SELECT (classid::bigint << 32) | objid::bigint AS key
    FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 1 AND granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
)
SELECT sink.sink_name, sink.seq, head.seq, hashtextextended(sink.sink_name, 11) IN (SELECT key FROM owned),
    sink.acknowledged_at, sink.moved_at, (SELECT recorded_at FROM audit_events WHERE seq = sink.seq + 1),
    sink.last_error, sink.failing_since, sink.failure_told,
    (SELECT count(*) FROM sink_quarantine AS aside WHERE aside.sink_name = sink.sink_name), sink.exported_count,
    clock_timestamp()
FROM sink_cursors AS sink, chain_head AS head
ORDER BY sink.sink_name
