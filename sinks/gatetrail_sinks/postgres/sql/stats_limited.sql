SELECT user_id, rate_limit_tier, count(*), max(retry_after_ms), max(started_at)
FROM mcp_tool_executions
WHERE gate = 'rate_limit' AND execution_id >= gatetrail_id_floor(%(since)s::timestamptz - interval '1 second')
    AND started_at >= %(since)s::timestamptz AND started_at < %(until)s::timestamptz
    AND (%(owner)s::text[] IS NULL OR user_id = ANY(%(owner)s::text[]))
GROUP BY user_id, rate_limit_tier
ORDER BY 3 DESC, 1, 2
LIMIT %(busiest)s
