-- What another process needs to go on with a session, when it was used last, and how it ended.

ALTER TABLE mcp_sessions
    ADD COLUMN server_name      text,
    ADD COLUMN protocol_version text,
    ADD COLUMN client_name      text,
    ADD COLUMN initialize       jsonb,
    ADD COLUMN last_used_at     timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN ended_at         timestamptz,
    ADD COLUMN ended_because    text,
    ADD CONSTRAINT whole_handshake CHECK (
        (server_name IS NULL) = (initialize IS NULL) AND (protocol_version IS NULL) = (initialize IS NULL)
    ),
    ADD CONSTRAINT ended_for_a_reason CHECK ((ended_at IS NULL) = (ended_because IS NULL));

-- For what was not used for long, and for the newest first.
CREATE INDEX mcp_sessions_last_used ON mcp_sessions (last_used_at) WHERE ended_at IS NULL;
-- For processes that were cut off for a while, and for what ended long ago.
CREATE INDEX mcp_sessions_ended ON mcp_sessions (ended_at) WHERE ended_at IS NOT NULL;

COMMENT ON TABLE mcp_sessions IS 'What the first caller of a session bound it to, and its life. The binding never changes.';
COMMENT ON COLUMN mcp_sessions.server_name IS 'The MCP server that it is of; NULL for a session that only a token names.';
COMMENT ON COLUMN mcp_sessions.protocol_version IS 'What client and server agreed on.';
COMMENT ON COLUMN mcp_sessions.client_name IS 'What the client calls itself. No identity.';
COMMENT ON COLUMN mcp_sessions.initialize IS 'What the client said at the handshake, for the process that goes on with the session.';
COMMENT ON COLUMN mcp_sessions.last_used_at IS 'Up to half a minute late.';
COMMENT ON COLUMN mcp_sessions.ended_at IS 'When it ended for good; NULL while it is open.';
COMMENT ON COLUMN mcp_sessions.ended_because IS 'Why it ended.';
