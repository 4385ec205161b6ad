SELECT EXISTS (SELECT FROM audit_events WHERE recorded_at = %(timestamp)s AND event_id = %(event_id)s)
