-- A day of allowed calls and some denials, in one busy session and many quiet ones.
INSERT INTO audit_events
    (seq, event_id, event_name, recorded_at, user_id, session_id, trace_id, client_id, server_name, tool_name, execution_id,
     decision, gate, body, prev_hash, event_hash)
SELECT seq, gen_random_uuid(), 'tool_call.decided', '2026-06-01 00:00+00'::timestamptz + seq * interval '3 s', 'user' || seq % 50,
       CASE WHEN seq % 2 = 0 THEN 'busy' ELSE 'quiet' || seq / 10 END, md5(seq::text),
       CASE WHEN seq % 2 = 0 AND seq > 20000 THEN 'two' ELSE 'one' END, 'files', 'tool' || seq % 20, gen_random_uuid(),
       CASE WHEN seq % 50 = 1 THEN 'deny' ELSE 'allow' END, CASE WHEN seq % 50 = 1 THEN 'scope' ELSE 'none' END,
       json_build_object('chain_id', '019e0000-0000-7000-8000-00000000000c', 'src_ip', '192.0.2.' || 1 + seq % 2,
                         'policy_version', 'p', 'instance_id', '019e0000-0000-7000-8000-000000000001'),
       repeat('0', 64), repeat('f', 64)
FROM generate_series(1, 24000) AS seq;
ANALYZE audit_events;
