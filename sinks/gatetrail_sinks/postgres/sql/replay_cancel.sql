UPDATE sink_replays SET finished_at = now(), cancelled = true
WHERE replay_id = %(replay_id)s AND finished_at IS NULL
RETURNING replay_id
