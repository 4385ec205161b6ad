FROM sink_replays WHERE sink_name = %(sink_name)s AND finished_at IS NULL ORDER BY replay_id LIMIT 1
