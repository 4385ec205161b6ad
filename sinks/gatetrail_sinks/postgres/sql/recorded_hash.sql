SELECT event_hash FROM audit_events WHERE seq = %(seq)s
