DELETE FROM rate_buckets
WHERE key IN (
    SELECT key
    FROM rate_buckets
    WHERE gatetrail_level(tokens, then_s, rate_per_s, capacity, extract(epoch FROM clock_timestamp())::float8) >= capacity
    LIMIT 10000
    FOR UPDATE SKIP LOCKED
)
