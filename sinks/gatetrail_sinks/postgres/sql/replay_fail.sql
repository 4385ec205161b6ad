UPDATE sink_replays SET last_error = %(reason)s WHERE replay_id = %(replay_id)s AND finished_at IS NULL
