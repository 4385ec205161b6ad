-- One batch, one statement, one commit: the guard on the chain's head, the events, and their executions.
-- Nothing at all is written unless the head is still the one that the lines were sealed upon.
WITH line AS MATERIALIZED (
    SELECT entry.body, key.*
    FROM (SELECT text::json AS body FROM string_to_table(%(lines)s, E'\n') AS lines (text)) AS entry,
        LATERAL json_to_record(entry.body) AS key (
            "@timestamp" timestamptz, seq bigint, event_id uuid, event_name text,
            user_id text, session_id text, trace_id text, context_id text, client_id text, task_id text,
            server_name text, tool_name text, method text, execution_id uuid, decision text, gate text, reason_code text,
            caller_type text, actual_tier text, required_tier text, rate_limit_tier text, department text,
            execution_status text, policy_version text, instance_id uuid, src_ip text, retry_after_ms bigint,
            latency_ms double precision, error_class text, prev_hash text, event_hash text
        )
), head AS (
    UPDATE chain_head SET seq = %(new_seq)s, event_hash = %(new_hash)s
    WHERE seq = %(old_seq)s AND event_hash = %(old_hash)s
    RETURNING seq
), event AS (
    INSERT INTO audit_events (seq, event_id, event_name, recorded_at, user_id, session_id, trace_id, client_id,
        server_name, tool_name, execution_id, decision, gate, body, prev_hash, event_hash)
    SELECT line.seq, event_id, event_name, "@timestamp", user_id, session_id, trace_id, client_id,
        server_name, tool_name, execution_id, decision, gate, body, prev_hash, event_hash
    FROM line, head
), decided AS (
    INSERT INTO mcp_tool_executions (execution_id, trace_id, user_id, session_id, context_id, client_id, task_id,
        server_name, tool_name, method, caller_type, actual_tier, required_tier, rate_limit_tier, department,
        status, gate, reason_code, policy_version, instance_id, src_ip, retry_after_ms, started_at, decided_seq)
    SELECT execution_id, trace_id, user_id, session_id, context_id, client_id, task_id,
        server_name, tool_name, method, caller_type, actual_tier, required_tier, rate_limit_tier, department,
        execution_status, gate, reason_code, policy_version, instance_id, src_ip, retry_after_ms, "@timestamp", line.seq
    FROM line, head
    WHERE event_name = 'tool_call.decided'
), ended AS (
    UPDATE mcp_tool_executions AS execution
    SET status = line.execution_status, finished_at = line."@timestamp", latency_ms = line.latency_ms,
        error_class = line.error_class, outcome_seq = line.seq
    FROM line, head
    WHERE line.event_name IN ('tool_call.completed', 'execution.orphaned')
        AND execution.execution_id = line.execution_id
        AND (line.event_name = 'tool_call.completed' OR execution.status = 'pending')
)
SELECT seq FROM head
