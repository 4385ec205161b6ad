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
    -- Short on purpose: the server reads the text of a constraint anew for every statement.
    CONSTRAINT whole_rows_only CHECK (
        status = ANY ('{pending,success,failed,timeout,denied}')
        AND (status = 'denied') = (gate <> 'none')
        AND (gate = 'none') = (reason_code = 'allowed')
        AND (status = ANY ('{pending,denied}')) = (outcome_seq IS NULL)
        AND (finished_at IS NULL) = (outcome_seq IS NULL)
        AND (status = ANY ('{failed,timeout}')) = (error_class IS NOT NULL)
        AND (latency_ms IS NULL OR outcome_seq > decided_seq)
        AND (latency_ms IS NOT NULL OR status <> 'success')
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

CREATE FUNCTION gatetrail_make_execution_partitions(weeks_ahead integer DEFAULT 1) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    this_week CONSTANT date := date_trunc('week', now() AT TIME ZONE 'UTC')::date;
    monday    date := this_week - 7;
    name      text;
BEGIN
    WHILE monday <= this_week + 7 * weeks_ahead LOOP
        name := 'mcp_tool_executions_' || to_char(monday, 'YYYYMMDD');
        IF to_regclass(name) IS NULL THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF mcp_tool_executions FOR VALUES FROM (%L) TO (%L) WITH (fillfactor = 85)', name,
                gatetrail_id_floor(monday::timestamp AT TIME ZONE 'UTC'), gatetrail_id_floor((monday + 7)::timestamp AT TIME ZONE 'UTC'));
        END IF;
        monday := monday + 7;
    END LOOP;
END
$$;
COMMENT ON FUNCTION gatetrail_make_execution_partitions IS 'Makes the partitions of last week, this one and so many ahead. A week begins on Monday, UTC.';
SELECT gatetrail_make_execution_partitions();
