SELECT pg_advisory_unlock(hashtextextended(%(sink_name)s, 11))
