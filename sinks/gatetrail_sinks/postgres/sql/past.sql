-- Both from one snapshot: whether every position of a stretch is there, and if so, what is wanted of it.
SELECT held.is_whole, found.seq, found.event_name, found.body
FROM (
    SELECT count(*) = %(before_seq)s::bigint - 1 - %(after_seq)s::bigint AS is_whole
    FROM audit_events WHERE seq > %(after_seq)s::bigint AND seq < %(before_seq)s::bigint
) AS held LEFT JOIN LATERAL ({search} ORDER BY seq LIMIT %(limit)s) AS found ON held.is_whole
ORDER BY found.seq
