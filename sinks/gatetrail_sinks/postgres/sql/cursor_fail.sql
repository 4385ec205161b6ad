UPDATE sink_cursors
SET last_error = %(reason)s, failing_since = coalesce(failing_since, now()), updated_at = now()
WHERE sink_name = %(sink_name)s
RETURNING seq
