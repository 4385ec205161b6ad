SELECT body ->> 'shadow_rule_id', count(*), to_char(max(recorded_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
FROM audit_events
WHERE event_name = 'tool_call.decided'
    AND recorded_at >= %(since)s::timestamptz
    AND body ->> 'shadow_gate' = %(gate)s
    AND body ->> 'shadow_rule_id' IS NOT NULL
GROUP BY 1
