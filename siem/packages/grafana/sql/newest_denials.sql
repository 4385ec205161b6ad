SELECT started_at, gate, reason_code, user_id, actual_tier, required_tier, server_name, tool_name, session_id, src_ip, trace_id, execution_id
FROM denied_calls
WHERE $__timeFilter(started_at) AND execution_id >= gatetrail_id_floor($__timeFrom())
ORDER BY execution_id DESC
LIMIT 100;
