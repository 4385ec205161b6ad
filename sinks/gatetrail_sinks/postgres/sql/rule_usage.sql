SELECT e.body ->> 'rule_id', count(*), to_char(max(e.recorded_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
FROM mcp_tool_executions x
JOIN audit_events e ON e.seq = x.decided_seq
WHERE x.gate = %(gate)s
    AND x.execution_id >= gatetrail_id_floor(%(since)s::timestamptz - interval '1 second')
    AND e.recorded_at >= %(since)s::timestamptz
    AND e.body ->> 'rule_id' IS NOT NULL
GROUP BY 1
