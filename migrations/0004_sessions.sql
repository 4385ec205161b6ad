-- Sessions: who opened them, and the tier that they can never rise above.

CREATE TABLE mcp_sessions (
    session_id text        NOT NULL PRIMARY KEY,
    user_id    text,
    issuer     text,
    client_id  text,
    department text,
    tier       text        NOT NULL CHECK (tier IN ('admin', 'user', 'service', 'a2a', 'mcp', 'anonymous')),
    opened_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT no_owner_no_tier CHECK (user_id IS NOT NULL OR tier = 'anonymous')
);
COMMENT ON TABLE mcp_sessions IS 'What the first caller of a session bound it to. The binding never changes.';
