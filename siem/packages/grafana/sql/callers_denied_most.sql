SELECT user_id, caller_type, count(*) AS denials, count(DISTINCT server_name || '/' || tool_name) AS tools,
       string_agg(DISTINCT gate || ':' || reason_code, ', ' ORDER BY gate || ':' || reason_code) AS reasons, max(started_at) AS last_at
FROM denied_calls
WHERE $__timeFilter(started_at) AND execution_id >= gatetrail_id_floor($__timeFrom())
GROUP BY user_id, caller_type
ORDER BY denials DESC, user_id
LIMIT 20;
