-- What the executions should be, told anew from the journal, held against what they are. Gives the first that differs.
WITH told AS MATERIALIZED (
    SELECT event.seq, event.event_name, key.*
    FROM audit_events AS event, LATERAL json_to_record(event.body) AS key (
        "@timestamp" timestamptz, user_id text, session_id text, trace_id text, context_id text, client_id text, task_id text,
        server_name text, tool_name text, method text, execution_id uuid, gate text, reason_code text,
        caller_type text, actual_tier text, required_tier text, rate_limit_tier text, department text,
        execution_status text, policy_version text, instance_id uuid, src_ip text, retry_after_ms bigint,
        latency_ms double precision, error_class text
    )
    WHERE event.event_name IN ('tool_call.decided', 'tool_call.completed', 'execution.orphaned')
), outcome AS (
    -- What the process itself reported counts more than what a sweep had to assume.
    SELECT DISTINCT ON (execution_id) execution_id, seq, "@timestamp", execution_status, latency_ms, error_class
    FROM told WHERE event_name <> 'tool_call.decided'
    ORDER BY execution_id, event_name = 'tool_call.completed' DESC, seq DESC
), expected AS (
    SELECT decided.execution_id, decided.trace_id, decided.user_id, decided.session_id, decided.context_id, decided.client_id, decided.task_id,
        decided.server_name, decided.tool_name, decided.method, decided.caller_type, decided.actual_tier, decided.required_tier,
        decided.rate_limit_tier, decided.department, coalesce(outcome.execution_status, decided.execution_status) AS status,
        decided.gate, decided.reason_code, decided.policy_version, decided.instance_id, decided.src_ip, decided.retry_after_ms,
        decided."@timestamp" AS started_at, outcome."@timestamp" AS finished_at, outcome.latency_ms, outcome.error_class,
        decided.seq AS decided_seq, outcome.seq AS outcome_seq
    FROM told AS decided LEFT JOIN outcome USING (execution_id)
    WHERE decided.event_name = 'tool_call.decided'
)
SELECT coalesce(expected.execution_id, actual.execution_id)::text, coalesce(expected.decided_seq, actual.decided_seq),
    expected.execution_id IS NULL AS invented, actual.execution_id IS NULL AS missing,
    (SELECT string_agg(wanted.key, ', ' ORDER BY wanted.key) FROM json_each_text(row_to_json(expected)) AS wanted
        JOIN json_each_text(row_to_json(actual)) AS found USING (key) WHERE wanted.value IS DISTINCT FROM found.value) AS differing
FROM expected FULL JOIN mcp_tool_executions AS actual USING (execution_id)
WHERE expected.execution_id IS NULL OR actual.execution_id IS NULL
    OR (expected.trace_id, expected.user_id, expected.session_id, expected.context_id, expected.client_id, expected.task_id,
        expected.server_name, expected.tool_name, expected.method, expected.caller_type, expected.actual_tier, expected.required_tier,
        expected.rate_limit_tier, expected.department, expected.status, expected.gate, expected.reason_code, expected.policy_version,
        expected.instance_id, expected.src_ip, expected.retry_after_ms, expected.started_at, expected.finished_at, expected.latency_ms,
        expected.error_class, expected.decided_seq, expected.outcome_seq)
    IS DISTINCT FROM
       (actual.trace_id, actual.user_id, actual.session_id, actual.context_id, actual.client_id, actual.task_id,
        actual.server_name, actual.tool_name, actual.method, actual.caller_type, actual.actual_tier, actual.required_tier,
        actual.rate_limit_tier, actual.department, actual.status, actual.gate, actual.reason_code, actual.policy_version,
        actual.instance_id, actual.src_ip, actual.retry_after_ms, actual.started_at, actual.finished_at, actual.latency_ms,
        actual.error_class, actual.decided_seq, actual.outcome_seq)
ORDER BY 2
LIMIT 1
