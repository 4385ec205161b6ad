SELECT gate, reason_code, count(*) AS denials, count(DISTINCT user_id) AS users, max(started_at) AS last_at
FROM denied_calls
WHERE $__timeFilter(started_at) AND execution_id >= gatetrail_id_floor($__timeFrom())
GROUP BY gate, reason_code
ORDER BY denials DESC, gate, reason_code;
