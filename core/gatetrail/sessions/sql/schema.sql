CREATE TABLE IF NOT EXISTS sessions (
    session_id       TEXT NOT NULL PRIMARY KEY,
    user_id          TEXT,
    issuer           TEXT,
    client_id        TEXT,
    department       TEXT,
    tier             TEXT NOT NULL CHECK (user_id IS NOT NULL OR tier = 'anonymous'),
    server_name      TEXT,
    protocol_version TEXT,
    initialize       TEXT,
    client_name      TEXT,
    opened_us        INTEGER NOT NULL,
    last_used_us     INTEGER NOT NULL,
    ended_us         INTEGER,
    ended_because    TEXT,
    CHECK ((ended_us IS NULL) = (ended_because IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sessions_ended ON sessions (ended_us) WHERE ended_us IS NOT NULL;
