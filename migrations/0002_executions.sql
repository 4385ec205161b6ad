-- One row for each decided call: a projection of the journal that auditors query.

CREATE TABLE mcp_tool_executions (
    execution_id    uuid        NOT NULL PRIMARY KEY,
    trace_id        text        NOT NULL,
    user_id         text,
    session_id      text,
    context_id      text,
    client_id       text,
    task_id         text,
    server_name     text        NOT NULL,
    tool_name       text        NOT NULL,
    method          text        NOT NULL,
    caller_type     text        NOT NULL,
    actual_tier     text        NOT NULL,
    required_tier   text,
    rate_limit_tier text        NOT NULL,
    department      text,
    status          text        NOT NULL,
    gate            text        NOT NULL,
    reason_code     text        NOT NULL,
    policy_version  text        NOT NULL,
    instance_id     uuid        NOT NULL,
    src_ip          text,
    retry_after_ms  bigint,
    started_at      timestamptz NOT NULL,
    finished_at     timestamptz,
    latency_ms      double precision,
    error_class     text,
    decided_seq     bigint      NOT NULL,
    outcome_seq     bigint,
    CONSTRAINT whole_rows_only CHECK (
        CASE status
            WHEN 'denied' THEN gate <> 'none' AND reason_code <> 'allowed'
                AND finished_at IS NULL AND latency_ms IS NULL AND error_class IS NULL AND outcome_seq IS NULL
            WHEN 'pending' THEN gate = 'none' AND reason_code = 'allowed'
                AND finished_at IS NULL AND latency_ms IS NULL AND error_class IS NULL AND outcome_seq IS NULL
            WHEN 'success' THEN gate = 'none' AND reason_code = 'allowed'
                AND finished_at IS NOT NULL AND latency_ms IS NOT NULL AND error_class IS NULL AND outcome_seq > decided_seq
            WHEN 'failed' THEN gate = 'none' AND reason_code = 'allowed'
                AND finished_at IS NOT NULL AND error_class IS NOT NULL AND outcome_seq > decided_seq
            WHEN 'timeout' THEN gate = 'none' AND reason_code = 'allowed'
                AND finished_at IS NOT NULL AND latency_ms IS NOT NULL AND error_class IS NOT NULL AND outcome_seq > decided_seq
            ELSE false
        END
    )
) PARTITION BY RANGE (execution_id);
COMMENT ON TABLE mcp_tool_executions IS 'One row for each decision, allow and deny. A denied row has a gate and a reason and no outcome; a final row has an outcome; a pending row has neither.';

CREATE INDEX mcp_tool_executions_user ON mcp_tool_executions (user_id, execution_id);
CREATE INDEX mcp_tool_executions_denied ON mcp_tool_executions (gate, execution_id) WHERE gate <> 'none';
CREATE INDEX mcp_tool_executions_pending ON mcp_tool_executions (execution_id) WHERE status = 'pending';

CREATE TABLE mcp_tool_executions_default PARTITION OF mcp_tool_executions DEFAULT;

CREATE FUNCTION gatetrail_id_floor(moment timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT (lpad(to_hex(floor(extract(epoch FROM moment) * 1000)::bigint), 12, '0') || '00000000000000000000')::uuid
$$;
COMMENT ON FUNCTION gatetrail_id_floor IS 'The smallest UUIDv7 of a moment: execution_id >= gatetrail_id_floor(t) means decided at or after t, and uses the primary key.';

CREATE FUNCTION gatetrail_make_execution_partitions(days_ahead integer DEFAULT 7) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    today CONSTANT date := (now() AT TIME ZONE 'UTC')::date;
    day   date := today - 1;
    name  text;
BEGIN
    WHILE day <= today + days_ahead LOOP
        name := 'mcp_tool_executions_' || to_char(day, 'YYYYMMDD');
        IF to_regclass(name) IS NULL THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF mcp_tool_executions FOR VALUES FROM (%L) TO (%L) WITH (fillfactor = 85)', name,
                gatetrail_id_floor(day::timestamp AT TIME ZONE 'UTC'), gatetrail_id_floor((day + 1)::timestamp AT TIME ZONE 'UTC'));
        END IF;
        day := day + 1;
    END LOOP;
END
$$;
COMMENT ON FUNCTION gatetrail_make_execution_partitions IS 'Makes the partitions of yesterday, today and so many days ahead (UTC).';
SELECT gatetrail_make_execution_partitions();
