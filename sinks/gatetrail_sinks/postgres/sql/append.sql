-- One batch, one statement, one commit: the guard on the chain's head, the events, and their executions.
-- Nothing at all is written unless the head is still the one that the lines were sealed upon.
-- append_decided and append_ended are added where a batch needs them; each costs locks and planning of its own.
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
)
