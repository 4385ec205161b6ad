SELECT seq, event_name, body::text FROM sink_quarantine
WHERE sink_name = %(sink_name)s AND replay_id = %(replay_id)s AND seq >= %(next_seq)s
ORDER BY seq LIMIT %(limit)s
