SELECT server_name, tool_name, count(*) AS denials, count(DISTINCT user_id) AS users,
       string_agg(DISTINCT reason_code, ', ' ORDER BY reason_code) AS reason_codes
FROM denied_calls
WHERE $__timeFilter(started_at) AND execution_id >= gatetrail_id_floor($__timeFrom())
  AND gate IN ('scope', 'blocklist', 'hook')
GROUP BY server_name, tool_name
ORDER BY denials DESC, server_name, tool_name
LIMIT 20;
