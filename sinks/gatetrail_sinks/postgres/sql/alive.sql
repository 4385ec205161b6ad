-- Held for as long as this process lives; shared, so that an old connection of ours that has not been noticed dead is no obstacle.
SELECT pg_advisory_lock_shared(hashtextextended(%(instance_id)s, 7))
