WITH missed AS (
    INSERT INTO proxy_nonces (digest) VALUES ('')
    ON CONFLICT DO NOTHING
    RETURNING used_at
), used AS (
    INSERT INTO proxy_nonces (digest) VALUES (%(digest)s)
    ON CONFLICT DO NOTHING
    RETURNING digest
)
SELECT
    EXISTS (SELECT FROM used),
    -- NULL when another process has only just missed the row, too
    coalesce((SELECT used_at FROM missed), (SELECT used_at FROM proxy_nonces WHERE digest = '')) < to_timestamp(%(since_s)s)
