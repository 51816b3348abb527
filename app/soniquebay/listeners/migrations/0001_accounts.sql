CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- never given again: what a user keeps hangs on it
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE, -- the name without regard to case
    password TEXT NOT NULL, -- its hash, with the algorithm and the parameters
    role TEXT NOT NULL CHECK (role IN ('listen', 'manage')),
    is_owner INTEGER NOT NULL CHECK (is_owner IN (0, 1)),
    created_at REAL NOT NULL, -- Unix time
    CHECK (NOT is_owner OR role = 'manage')
) STRICT;
CREATE UNIQUE INDEX one_owner ON users (is_owner) WHERE is_owner;

-- A browser that has signed in. Its token is in the cookie alone.
CREATE TABLE web_sessions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    token_hash BLOB NOT NULL UNIQUE,
    user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    created_at REAL NOT NULL,
    used_at REAL NOT NULL,
    address TEXT NOT NULL,
    browser TEXT NOT NULL
) STRICT;
CREATE INDEX web_sessions_by_user ON web_sessions (user_id);

-- A password of one app. Token login of OpenSubsonic needs it as it is, so it is encrypted and not hashed.
CREATE TABLE app_passwords (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('listen', 'manage')),
    lookup BLOB NOT NULL UNIQUE, -- keyed hash of the password
    encrypted BLOB NOT NULL,
    created_at REAL NOT NULL,
    used_at REAL,
    used_by TEXT,
    UNIQUE (user_id, name)
) STRICT;

-- Where a user has signed in before: failed attempts elsewhere do not keep them out there.
CREATE TABLE known_addresses (
    user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    address TEXT NOT NULL,
    used_at REAL NOT NULL,
    PRIMARY KEY (user_id, address)
) STRICT, WITHOUT ROWID;
