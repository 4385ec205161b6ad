-- Numbers that trusted proxies have used in their signatures, each good once. Nothing of the record is in here.

CREATE UNLOGGED TABLE proxy_nonces (
    digest  bytea       NOT NULL PRIMARY KEY,
    used_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (autovacuum_vacuum_threshold = 10000);
COMMENT ON TABLE proxy_nonces IS 'Nonces of proxies'' signatures that were used in the last minutes. Not part of the record.';
COMMENT ON COLUMN proxy_nonces.digest IS 'Digest of proxy and nonce. The empty one is no nonce: it tells since when all that were used are in here.';
COMMENT ON COLUMN proxy_nonces.used_at IS 'When it was used, by the server''s clock. Minutes later nothing can be signed with it any more, and the row goes.';

-- A crash of the server empties the table, and this row with it: whoever misses it writes a new one, with the time.
INSERT INTO proxy_nonces (digest, used_at) VALUES ('', '-infinity');

DO $$
BEGIN
    GRANT SELECT ON proxy_nonces TO gatetrail_auditor;
EXCEPTION
    WHEN undefined_object OR insufficient_privilege THEN
        RAISE NOTICE 'role gatetrail_auditor may not read proxy_nonces: an administrator can grant it later';
END
$$;
