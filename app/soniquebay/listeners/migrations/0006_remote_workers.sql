-- The workers on other machines that have joined. Their secrets are with them: here is what tells them apart.
CREATE TABLE remote_workers (
    name        TEXT PRIMARY KEY,
    serial      TEXT NOT NULL UNIQUE,      -- of the certificate, hexadecimal
    token_hash  BLOB NOT NULL UNIQUE,      -- SHA-256
    version     TEXT NOT NULL,             -- of SoniqueBay there, as it says itself
    joined_at   REAL NOT NULL,             -- Unix time
    seen_at     REAL                       -- NULL: it has not sent a request yet
) STRICT, WITHOUT ROWID;
