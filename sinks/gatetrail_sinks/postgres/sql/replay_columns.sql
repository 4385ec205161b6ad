replay_id, sink_name, kind, first_seq, last_seq, next_seq, delivered_count, quarantined_count, last_error,
    requested_at, finished_at, cancelled
