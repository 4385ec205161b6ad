-- Replays that were asked for, events that are to be sent again, and what tells a healthy sink from a stuck one.

ALTER TABLE sink_cursors
    ADD COLUMN moved_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN failure_told boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN sink_cursors.moved_at IS 'When seq moved last. updated_at also moves with a failure.';
COMMENT ON COLUMN sink_cursors.failure_told IS 'True while audit.sink_failed stands in the journal without its audit.sink_recovered, whoever drives the sink.';
COMMENT ON COLUMN sink_cursors.quarantined_count IS 'How many were ever put aside while following. Those open now are the rows of sink_quarantine.';

CREATE TABLE sink_replays (
    replay_id         bigint      NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sink_name         text        NOT NULL CHECK (sink_name <> ''),
    kind              text        NOT NULL CHECK (kind IN ('range', 'quarantine')),
    first_seq         bigint      NOT NULL CHECK (first_seq >= 1),
    last_seq          bigint      NOT NULL,
    next_seq          bigint      NOT NULL,
    delivered_count   bigint      NOT NULL DEFAULT 0,
    quarantined_count bigint      NOT NULL DEFAULT 0,
    last_error        text,
    requested_at      timestamptz NOT NULL DEFAULT now(),
    finished_at       timestamptz,
    cancelled         boolean     NOT NULL DEFAULT false,
    CONSTRAINT range_is_in_order CHECK (first_seq <= last_seq AND next_seq BETWEEN first_seq AND last_seq + 1),
    CONSTRAINT cancelled_is_finished CHECK (finished_at IS NOT NULL OR NOT cancelled)
) WITH (fillfactor = 20);
COMMENT ON TABLE sink_replays IS 'Events that a sink is to get once more. Whoever drives the sink works them off; everything below next_seq was acknowledged or put aside.';
CREATE INDEX sink_replays_open ON sink_replays (sink_name, replay_id) WHERE finished_at IS NULL;

ALTER TABLE sink_quarantine ADD COLUMN replay_id bigint;
COMMENT ON COLUMN sink_quarantine.replay_id IS 'The replay that is to send it again; NULL while nobody has asked for that.';
COMMENT ON TABLE sink_quarantine IS 'Events that a sink did not take and has not got since. The row goes when a replay has delivered its event.';

DO $$
BEGIN
    GRANT SELECT ON sink_replays TO gatetrail_auditor;
EXCEPTION
    WHEN undefined_object OR insufficient_privilege THEN
        RAISE NOTICE 'role gatetrail_auditor may not read sink_replays: an administrator can grant it later';
END
$$;
