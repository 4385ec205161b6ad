-- What auditors ask most, as views, and the role that may only read.

CREATE VIEW denied_calls AS
SELECT started_at, gate, reason_code, user_id, caller_type, actual_tier, required_tier, server_name, tool_name, method,
       session_id, trace_id, client_id, src_ip, retry_after_ms, policy_version, execution_id
FROM mcp_tool_executions
WHERE gate <> 'none';
COMMENT ON VIEW denied_calls IS 'Every denial, and why. For a span of time add: execution_id >= gatetrail_id_floor(now() - interval ''7 days'').';

CREATE VIEW rate_limited_callers AS
SELECT date_trunc('hour', started_at) AS hour, user_id, src_ip, caller_type, rate_limit_tier, count(*) AS denials,
       max(retry_after_ms) AS longest_wait_ms
FROM mcp_tool_executions
WHERE gate = 'rate_limit'
GROUP BY 1, 2, 3, 4, 5;
COMMENT ON VIEW rate_limited_callers IS 'Who was rate-limited, by hour.';

CREATE VIEW stuck_executions AS
SELECT execution_id, started_at, now() - started_at AS age, server_name, tool_name, user_id, session_id, instance_id
FROM mcp_tool_executions
WHERE status = 'pending' AND started_at < now() - interval '5 minutes';
COMMENT ON VIEW stuck_executions IS 'Calls that have been pending for more than five minutes.';

CREATE VIEW privilege_mismatches AS
SELECT started_at, user_id, session_id, actual_tier, required_tier, reason_code, server_name, tool_name, execution_id
FROM mcp_tool_executions
WHERE gate = 'scope' AND reason_code IN ('tier_too_low', 'session_tier_too_low');
COMMENT ON VIEW privilege_mismatches IS 'Calls whose tier was below the required one.';

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'gatetrail_auditor') THEN
        CREATE ROLE gatetrail_auditor NOLOGIN;
    END IF;
    GRANT SELECT ON audit_events, mcp_tool_executions, mcp_sessions, chain_head, sink_cursors, sink_quarantine,
        denied_calls, rate_limited_callers, stuck_executions, privilege_mismatches TO gatetrail_auditor;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE NOTICE 'role gatetrail_auditor was not made: this needs CREATEROLE, an administrator can do it later';
    WHEN duplicate_object OR unique_violation THEN
        RAISE NOTICE 'role gatetrail_auditor is being made by another database of this server';
END
$$;
