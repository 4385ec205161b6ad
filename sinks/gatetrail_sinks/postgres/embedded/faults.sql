-- What makes the store unsafe right now, in the session that asks: one row for each fault, none when all is well.
SELECT name || ' = ' || setting AS fault
FROM pg_catalog.pg_settings
WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit')
  AND setting NOT IN ('on', 'remote_apply')
UNION ALL
SELECT 'pg_hba.conf line ' || line_number || ' lets everybody in (trust)'
FROM pg_catalog.pg_hba_file_rules
WHERE auth_method = 'trust';
