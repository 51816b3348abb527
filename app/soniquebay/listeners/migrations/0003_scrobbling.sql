-- A user's account at a service that is told what the user hears.
CREATE TABLE scrobble_accounts (
    user_id     INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    service     TEXT NOT NULL CHECK (service IN ('listenbrainz', 'lastfm')),
    state       TEXT NOT NULL CHECK (state IN ('approval', 'connected', 'renewal')),
    name        TEXT,                      -- at the service; NULL: it was never connected
    encrypted   BLOB NOT NULL,             -- tokens and keys, as JSON
    sent_at     REAL,                      -- Unix time, of the last plays that the service has taken
    failures    INTEGER NOT NULL DEFAULT 0, -- in a row
    problem     TEXT,                      -- why the last attempt failed
    retry_at    REAL NOT NULL DEFAULT 0,   -- Unix time
    dropped     INTEGER NOT NULL DEFAULT 0, -- plays that the service does not take
    dropped_reason TEXT,                   -- of the last of them
    PRIMARY KEY (user_id, service)
) STRICT, WITHOUT ROWID;

-- A play that a service has not been told of. It says what was heard as it was then.
CREATE TABLE scrobbles (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id     INTEGER NOT NULL,
    service     TEXT NOT NULL,
    played_at   REAL NOT NULL,             -- Unix time
    heard       TEXT NOT NULL,             -- JSON, see heard.py
    FOREIGN KEY (user_id, service) REFERENCES scrobble_accounts ON DELETE CASCADE
) STRICT;
CREATE INDEX scrobbles_in_order ON scrobbles (user_id, service, played_at, id);
