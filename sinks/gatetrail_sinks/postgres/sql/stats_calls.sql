-- One pass over the executions of a window, counted in four ways. The ids are UUIDv7, so the primary key finds the window;
-- a clock that was set back leaves ids ahead of their times for a while. Latencies are counted in steps of two per cent.
WITH counted AS MATERIALIZED (
    SELECT date_bin(make_interval(secs => %(bucket_s)s), started_at, 'epoch'::timestamptz) AS start, gate, status,
        server_name, tool_name, user_id, caller_type, round(ln(latency_ms + 0.001) * 50)::int AS step,
        count(*) AS count, count(*) FILTER (WHERE gate <> 'none') AS denied,
        grouping(gate, tool_name, caller_type) AS kind
    FROM mcp_tool_executions
    WHERE execution_id >= gatetrail_id_floor(%(since)s::timestamptz - interval '1 second')
        AND execution_id < gatetrail_id_floor(%(until)s::timestamptz + interval '10 minutes')
        AND started_at >= %(since)s::timestamptz AND started_at < %(until)s::timestamptz
        AND (%(owner)s::text[] IS NULL OR (user_id = ANY(%(owner)s::text[]) AND gate <> 'scope')) -- as in search.sql
    GROUP BY GROUPING SETS ((1, gate, status), (server_name, tool_name), (user_id, caller_type), (8))
)
SELECT
    (SELECT json_agg(json_build_array(extract(epoch FROM start)::bigint, gate, status, count)) FROM counted WHERE kind = 3),
    (SELECT json_agg(json_build_array(server_name, tool_name, count, denied)) FROM (
        SELECT * FROM counted WHERE kind = 5 ORDER BY count DESC, server_name, tool_name LIMIT %(busiest)s) AS busiest),
    (SELECT json_agg(json_build_array(user_id, caller_type, count, denied)) FROM (
        SELECT * FROM counted WHERE kind = 6 ORDER BY count DESC, user_id, caller_type LIMIT %(busiest)s) AS busiest),
    (SELECT json_agg(json_build_array(step, count) ORDER BY step) FROM counted WHERE kind = 7 AND step IS NOT NULL)
