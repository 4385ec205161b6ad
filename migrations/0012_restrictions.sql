-- What was decided against tokens and users after their tokens had been issued. Each change is an event as well.

CREATE TABLE revoked_tokens (
    revocation_id bigint      NOT NULL GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token_id      text,
    user_id       text,
    issuer        text,
    reason        text        NOT NULL,
    changed_by    text        NOT NULL,
    revoked_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at    timestamptz,
    CONSTRAINT a_token_or_a_user CHECK (num_nonnulls(token_id, user_id) = 1)
);
CREATE UNIQUE INDEX revoked_tokens_what ON revoked_tokens (token_id, user_id, issuer) NULLS NOT DISTINCT;
COMMENT ON TABLE revoked_tokens IS 'Tokens that count no longer: single ones by jti, or all of a user that were issued until revoked_at.';
COMMENT ON COLUMN revoked_tokens.revocation_id IS 'Grows from revocation to revocation.';
COMMENT ON COLUMN revoked_tokens.token_id IS 'The claim jti of the one token; NULL when it is about a user.';
COMMENT ON COLUMN revoked_tokens.user_id IS 'The user, all of whose tokens until revoked_at count no longer; NULL when it is about one token.';
COMMENT ON COLUMN revoked_tokens.issuer IS 'Only tokens of this issuer; NULL means of any.';
COMMENT ON COLUMN revoked_tokens.reason IS 'Why, as whoever did it said.';
COMMENT ON COLUMN revoked_tokens.changed_by IS 'Who did it.';
COMMENT ON COLUMN revoked_tokens.revoked_at IS 'When, by the clock of the database.';
COMMENT ON COLUMN revoked_tokens.expires_at IS 'From then on no token that it is about can be valid, so the row may go; NULL means never.';

CREATE TABLE user_tiers (
    user_id    text        NOT NULL,
    issuer     text,
    tier       text        NOT NULL CHECK (tier IN ('admin', 'user', 'service', 'a2a', 'mcp', 'anonymous')),
    reason     text        NOT NULL,
    changed_by text        NOT NULL,
    limited_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT user_tiers_what UNIQUE NULLS NOT DISTINCT (user_id, issuer)
);
COMMENT ON TABLE user_tiers IS 'Users who have at most a tier, whatever their tokens and sessions say. Who is not here is bound by those alone.';
COMMENT ON COLUMN user_tiers.user_id IS 'The user.';
COMMENT ON COLUMN user_tiers.issuer IS 'Only as this issuer names him; NULL means any.';
COMMENT ON COLUMN user_tiers.tier IS 'The highest tier that the user has.';
COMMENT ON COLUMN user_tiers.reason IS 'Why, as whoever did it said.';
COMMENT ON COLUMN user_tiers.changed_by IS 'Who did it.';
COMMENT ON COLUMN user_tiers.limited_at IS 'When, by the clock of the database.';

DO $$
BEGIN
    GRANT SELECT ON revoked_tokens, user_tiers TO gatetrail_auditor;
EXCEPTION
    WHEN undefined_object OR insufficient_privilege THEN
        RAISE NOTICE 'role gatetrail_auditor may not read restrictions: an administrator can grant it later';
END
$$;
