-- What `gatetrail verify` found, each time that it came to an end.

CREATE TABLE verifications (
    verification_id     bigint      NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    checked_at          timestamptz NOT NULL DEFAULT now(),
    intact              boolean     NOT NULL,
    head_seq            bigint,
    head_hash           text,
    events              bigint      NOT NULL CHECK (events >= 0),
    executions          bigint,
    flaw                text,
    flawed_seq          bigint,
    flawed_execution_id uuid,
    detail              text,
    CONSTRAINT intact_has_a_head CHECK (intact = (head_seq IS NOT NULL AND head_hash IS NOT NULL AND executions IS NOT NULL)),
    CONSTRAINT broken_has_a_flaw CHECK (intact = (flaw IS NULL AND detail IS NULL))
);
COMMENT ON TABLE verifications IS 'What each completed gatetrail verify found. A reminder, not evidence: who can change the record can change this row, too.';
COMMENT ON COLUMN verifications.verification_id IS 'Grows from check to check.';
COMMENT ON COLUMN verifications.checked_at IS 'When the check had ended, by the clock of the database.';
COMMENT ON COLUMN verifications.intact IS 'True when everything followed from everything.';
COMMENT ON COLUMN verifications.head_seq IS 'The last position that was checked; NULL when the record was not intact.';
COMMENT ON COLUMN verifications.head_hash IS 'The hash of the event there. Kept elsewhere it proves later that nothing up to head_seq has changed since.';
COMMENT ON COLUMN verifications.events IS 'How many events were in order.';
COMMENT ON COLUMN verifications.executions IS 'How many execution rows were what the journal says; NULL when the record was not intact.';
COMMENT ON COLUMN verifications.flaw IS 'What kind of flaw was found first; NULL when there was none.';
COMMENT ON COLUMN verifications.flawed_seq IS 'The position of the first bad row, where it has one.';
COMMENT ON COLUMN verifications.flawed_execution_id IS 'The first bad execution row, where it is one.';
COMMENT ON COLUMN verifications.detail IS 'The flaw as a sentence; NULL when there was none.';

DO $$
BEGIN
    -- A reader checks that the schema is the one that it knows.
    GRANT SELECT ON verifications, schema_migrations TO gatetrail_auditor;
EXCEPTION
    WHEN undefined_object OR insufficient_privilege THEN
        RAISE NOTICE 'role gatetrail_auditor may not read verifications: an administrator can grant it later';
END
$$;
