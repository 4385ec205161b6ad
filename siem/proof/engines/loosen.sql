-- Lets rows in that the product would never write, and lets them be taken out again: for events that were changed on purpose.
DROP TRIGGER append_only ON audit_events;
DO $$
DECLARE
    place regclass;
BEGIN
    FOR place IN SELECT tgrelid::regclass FROM pg_trigger WHERE tgname = 'append_only_truncate' LOOP
        EXECUTE format('DROP TRIGGER append_only_truncate ON %s', place);
    END LOOP;
END
$$;
ALTER TABLE audit_events DROP CONSTRAINT audit_events_pkey;
ALTER TABLE audit_events
    ALTER COLUMN seq DROP NOT NULL,
    ALTER COLUMN event_name DROP NOT NULL,
    ALTER COLUMN recorded_at DROP NOT NULL,
    ALTER COLUMN prev_hash DROP NOT NULL,
    ALTER COLUMN event_hash DROP NOT NULL;
ALTER TABLE mcp_tool_executions DROP CONSTRAINT whole_rows_only;
ALTER TABLE mcp_tool_executions DROP CONSTRAINT mcp_tool_executions_pkey;
ALTER TABLE mcp_tool_executions
    ALTER COLUMN execution_id DROP NOT NULL,
    ALTER COLUMN trace_id DROP NOT NULL,
    ALTER COLUMN server_name DROP NOT NULL,
    ALTER COLUMN tool_name DROP NOT NULL,
    ALTER COLUMN method DROP NOT NULL,
    ALTER COLUMN caller_type DROP NOT NULL,
    ALTER COLUMN actual_tier DROP NOT NULL,
    ALTER COLUMN rate_limit_tier DROP NOT NULL,
    ALTER COLUMN status DROP NOT NULL,
    ALTER COLUMN gate DROP NOT NULL,
    ALTER COLUMN reason_code DROP NOT NULL,
    ALTER COLUMN policy_version DROP NOT NULL,
    ALTER COLUMN instance_id DROP NOT NULL,
    ALTER COLUMN started_at DROP NOT NULL,
    ALTER COLUMN decided_seq DROP NOT NULL;
CREATE INDEX ON audit_events (seq);
CREATE INDEX ON audit_events (execution_id);
CREATE INDEX ON mcp_tool_executions (execution_id);
