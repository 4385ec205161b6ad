UPDATE sink_cursors
SET seq = %(seq)s, exported_count = exported_count + %(delivered)s, updated_at = now(), moved_at = now(),
    acknowledged_at = CASE WHEN %(delivered)s > 0 THEN now() ELSE acknowledged_at END,
    last_error = NULL, failing_since = NULL
WHERE sink_name = %(sink_name)s
RETURNING seq
