DELETE FROM proxy_nonces
WHERE digest IN (
    SELECT digest
    FROM proxy_nonces
    WHERE used_at < clock_timestamp() - make_interval(secs => %(kept_s)s) AND digest <> ''
    LIMIT 10000
    FOR UPDATE SKIP LOCKED
)
