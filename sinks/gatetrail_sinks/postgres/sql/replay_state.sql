FROM sink_replays WHERE replay_id = %(replay_id)s
