SELECT $__timeGroupAlias(started_at, $__interval, 0), reason_code AS metric, count(*) AS denials
FROM denied_calls
WHERE $__timeFilter(started_at) AND execution_id >= gatetrail_id_floor($__timeFrom())
GROUP BY 1, 2
ORDER BY 1;
