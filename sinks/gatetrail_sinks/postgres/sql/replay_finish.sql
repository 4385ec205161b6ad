UPDATE sink_replays SET finished_at = now(), next_seq = last_seq + 1, last_error = NULL
WHERE replay_id = %(replay_id)s AND finished_at IS NULL
