-- Where each sink stands, and what it refused.

CREATE TABLE sink_cursors (
    sink_name         text        NOT NULL PRIMARY KEY CHECK (sink_name <> ''),
    seq               bigint      NOT NULL CHECK (seq >= 0),
    acknowledged_at   timestamptz,
    last_error        text,
    failing_since     timestamptz,
    exported_count    bigint      NOT NULL DEFAULT 0,
    quarantined_count bigint      NOT NULL DEFAULT 0,
    updated_at        timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT failure_has_a_time CHECK ((last_error IS NULL) = (failing_since IS NULL))
) WITH (fillfactor = 20); -- rewritten with each acknowledgement: room for that within the page
COMMENT ON TABLE sink_cursors IS 'One row for each sink ever seen. Everything up to seq was acknowledged or is in quarantine.';

CREATE TABLE sink_quarantine (
    sink_name      text        NOT NULL,
    seq            bigint      NOT NULL,
    event_id       uuid,
    event_name     text        NOT NULL,
    body           json        NOT NULL,
    reason         text        NOT NULL,
    quarantined_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (sink_name, seq)
);
COMMENT ON TABLE sink_quarantine IS 'Events that a sink will never take. The journal has them too; replay brings them again.';
