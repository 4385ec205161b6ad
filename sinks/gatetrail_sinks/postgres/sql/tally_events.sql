SELECT event_name, count(*)
FROM audit_events
WHERE recorded_at >= %(moment)s::timestamptz AND body ->> 'instance_id' = %(instance_id)s
GROUP BY event_name
ORDER BY event_name
