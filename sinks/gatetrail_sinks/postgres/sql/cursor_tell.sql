UPDATE sink_cursors SET failure_told = %(told)s, updated_at = now() WHERE sink_name = %(sink_name)s RETURNING seq
