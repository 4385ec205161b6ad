-- Whether a commit gets to the disk: a message in the write-ahead log, flushed, that no table and no reader ever sees.
-- None where nothing can be written: on a standby, or where transactions are read only.
SELECT CASE WHEN NOT pg_is_in_recovery() AND NOT current_setting('transaction_read_only')::boolean
    THEN pg_logical_emit_message(true, 'gatetrail readiness', '') END
