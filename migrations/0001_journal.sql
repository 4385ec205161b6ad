-- The journal: one chain, one row an event, append-only.

CREATE TABLE chain_head (
    only_row   boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    chain_id   uuid    NOT NULL DEFAULT gen_random_uuid(),
    seq        bigint  NOT NULL DEFAULT 0,
    event_hash text    NOT NULL DEFAULT repeat('0', 64)
);
COMMENT ON TABLE chain_head IS 'Where the chain ends. The row is locked by the transaction that appends, so seq order is commit order.';
INSERT INTO chain_head DEFAULT VALUES;

CREATE TABLE audit_events (
    seq          bigint      NOT NULL PRIMARY KEY,
    event_id     uuid        NOT NULL,
    event_name   text        NOT NULL,
    recorded_at  timestamptz NOT NULL,
    user_id      text,
    session_id   text,
    trace_id     text,
    client_id    text,
    server_name  text,
    tool_name    text,
    execution_id uuid,
    decision     text,
    gate         text,
    body         json        NOT NULL,
    prev_hash    text        NOT NULL,
    event_hash   text        NOT NULL
) PARTITION BY RANGE (seq);
COMMENT ON TABLE audit_events IS 'Every event, in order, without holes. body is the exact line that every sink gets; the other columns repeat keys of it.';

CREATE INDEX audit_events_user ON audit_events (user_id, seq);
CREATE INDEX audit_events_session ON audit_events (session_id, seq);
CREATE INDEX audit_events_trace ON audit_events (trace_id);
CREATE INDEX audit_events_time ON audit_events USING brin (recorded_at);

CREATE TABLE audit_events_default PARTITION OF audit_events DEFAULT;
COMMENT ON TABLE audit_events_default IS 'Stays empty while partitions are made ahead; it is there so that no append can fail for a missing one.';

CREATE FUNCTION gatetrail_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_events is append-only: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON audit_events
    FOR EACH ROW EXECUTE FUNCTION gatetrail_refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION gatetrail_refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON audit_events_default
    FOR EACH STATEMENT EXECUTE FUNCTION gatetrail_refuse_change();

CREATE FUNCTION gatetrail_make_event_partitions(ahead bigint DEFAULT 20000000) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    size   CONSTANT bigint := 10000000;
    head   bigint := (SELECT seq FROM chain_head);
    low    bigint := head / size * size;
    name   text;
BEGIN
    WHILE low <= head + ahead LOOP
        name := 'audit_events_' || lpad((low / size)::text, 6, '0');
        IF to_regclass(name) IS NULL THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF audit_events FOR VALUES FROM (%s) TO (%s)', name, low, low + size);
            EXECUTE format('CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON %I '
                'FOR EACH STATEMENT EXECUTE FUNCTION gatetrail_refuse_change()', name);
        END IF;
        low := low + size;
    END LOOP;
END
$$;
COMMENT ON FUNCTION gatetrail_make_event_partitions IS 'Makes the partitions for the current head and so many positions ahead. Each holds ten million events.';
SELECT gatetrail_make_event_partitions();
