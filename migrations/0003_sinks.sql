-- Where each sink stands, and the events that it refused.

CREATE TABLE sink_cursors (
    sink_name         text        NOT NULL PRIMARY KEY,
    seq               bigint      NOT NULL CHECK (seq >= 0),
    acknowledged_at   timestamptz,
    last_error        text,
    failing_since     timestamptz,
    exported_count    bigint      NOT NULL DEFAULT 0,
    quarantined_count bigint      NOT NULL DEFAULT 0,
    updated_at        timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE sink_cursors IS 'Everything up to seq was acknowledged by the sink or is in quarantine.';

CREATE TABLE sink_quarantine (
    sink_name      text        NOT NULL,
    seq            bigint      NOT NULL,
    event_id       uuid        NOT NULL,
    event_name     text        NOT NULL,
    body           json        NOT NULL,
    reason         text        NOT NULL,
    quarantined_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (sink_name, seq)
);
COMMENT ON TABLE sink_quarantine IS 'Events that a sink will never take. Later events flowed on.';
