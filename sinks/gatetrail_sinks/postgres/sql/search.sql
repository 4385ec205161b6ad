-- Order and limit come from who asks. An id of one form is compared as such, so that an index gives it in order.
-- Who is held to an owner sees no denial by scope and no listing: both would tell which hidden tools there are.
-- Upper and lower case are the same as in ASCII, whatever the database's locale.
SELECT seq, event_name, body::text, execution_id FROM audit_events
WHERE seq > %(after_seq)s
    AND (%(before_seq)s::bigint IS NULL OR seq < %(before_seq)s)
    AND (%(owner)s::text IS NULL OR user_id = %(owner)s)
    AND (%(owner_forms)s::text[] IS NULL OR user_id = ANY(%(owner_forms)s::text[]))
    AND ((%(owner)s::text IS NULL AND %(owner_forms)s::text[] IS NULL)
        OR (gate IS DISTINCT FROM 'scope' AND event_name <> 'manifest.listed'))
    AND (%(since)s::timestamptz IS NULL OR recorded_at >= %(since)s::timestamptz)
    AND (%(until)s::timestamptz IS NULL OR recorded_at < %(until)s::timestamptz)
    AND (%(user)s::text IS NULL OR user_id = %(user)s)
    AND (%(user_forms)s::text[] IS NULL OR user_id = ANY(%(user_forms)s::text[]))
    AND (%(session)s::text IS NULL OR session_id = %(session)s)
    AND (%(session_forms)s::text[] IS NULL OR session_id = ANY(%(session_forms)s::text[]))
    AND (%(trace)s::text IS NULL OR trace_id = %(trace)s)
    AND (%(client)s::text IS NULL OR client_id = %(client)s)
    AND (%(client_forms)s::text[] IS NULL OR client_id = ANY(%(client_forms)s::text[]))
    AND (%(server)s::text IS NULL OR server_name = %(server)s)
    AND (%(tool)s::text IS NULL OR tool_name ILIKE %(tool)s COLLATE "C")
    AND (%(gate)s::text IS NULL OR gate = %(gate)s)
    AND (%(decision)s::text IS NULL OR decision = %(decision)s)
    AND (%(event)s::text IS NULL OR event_name LIKE %(event)s)
