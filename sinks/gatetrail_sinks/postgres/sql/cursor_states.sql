SELECT sink_name, seq,
       to_char(acknowledged_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), last_error,
       to_char(failing_since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), quarantined_count, exported_count
FROM sink_cursors
ORDER BY sink_name
