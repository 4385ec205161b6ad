-- Denials are a small part of all decisions and what auditors ask for most: their index holds what the questions need, so
-- that a week of them is read from some hundred pages and not from as many pages as there were denials. Denied rows never
-- change, and none of these columns is one that an outcome writes. The longest values together stay below half of what
-- an index entry may have.
DROP INDEX mcp_tool_executions_denied;
CREATE INDEX mcp_tool_executions_denied ON mcp_tool_executions (gate, execution_id)
    INCLUDE (reason_code, user_id, started_at, server_name, tool_name, session_id, src_ip, caller_type, actual_tier,
             required_tier, rate_limit_tier, retry_after_ms)
    WHERE gate <> 'none';
