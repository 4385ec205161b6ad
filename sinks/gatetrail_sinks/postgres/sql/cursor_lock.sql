-- Held until it is given back or the connection ends.
SELECT pg_try_advisory_lock(hashtextextended(%(sink_name)s, 11))
