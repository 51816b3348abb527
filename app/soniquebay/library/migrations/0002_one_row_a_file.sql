-- A track is one file: path and stamp stand in its own row, so a moved file is one update and its id stays.
CREATE TABLE tracks_new (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    title       TEXT NOT NULL,
    artist_id   INTEGER NOT NULL REFERENCES artists (id),
    credit      TEXT,                      -- the performers as tagged, where they are more than the artist
    album_id    INTEGER REFERENCES albums (id),
    track_no    INTEGER,
    disc_no     INTEGER,
    year        INTEGER,
    duration    REAL NOT NULL,             -- seconds
    format      TEXT NOT NULL,
    mbid        TEXT,                      -- MusicBrainz recording
    genre_raw   TEXT NOT NULL DEFAULT '',  -- as tagged, values separated by U+001F
    has_picture INTEGER NOT NULL DEFAULT 0,
    genres_done INTEGER NOT NULL DEFAULT 0, -- genre_raw was cleaned into track_genres
    added_at    REAL NOT NULL,             -- Unix seconds
    path        TEXT NOT NULL UNIQUE,      -- encoded, see library/paths.py
    size        INTEGER NOT NULL,          -- bytes
    mtime_ns    INTEGER NOT NULL,
    identity    INTEGER,                   -- what a moved file still has, see library/identity.py
    seen_in     INTEGER REFERENCES scan_sessions (id),  -- the session that read it last
    missing_since REAL,                    -- Unix seconds; the file was not there at that scan
    analysed    INTEGER NOT NULL DEFAULT 0 -- has its vector, or a reason for none; kept by the triggers below
) STRICT;
INSERT INTO tracks_new (id, title, artist_id, album_id, track_no, disc_no, year, duration, format, mbid, genre_raw,
                        has_picture, genres_done, added_at, path, size, mtime_ns, seen_in, analysed)
SELECT t.id, title, artist_id, album_id, track_no, disc_no, year, duration, format, mbid, genre_raw, has_picture,
       genres_done, added_at, f.path, f.size, f.mtime_ns, f.seen_in,
       EXISTS (SELECT 1 FROM vectors v WHERE v.track_id = t.id)
FROM tracks t JOIN files f ON f.track_id = t.id;
UPDATE sqlite_sequence SET seq = max(seq, coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'tracks'), 0))
WHERE name = 'tracks_new';
DROP TABLE files;
DROP TABLE tracks;
ALTER TABLE tracks_new RENAME TO tracks;
CREATE INDEX tracks_album ON tracks (album_id);
CREATE INDEX tracks_in_order ON tracks (album_id, disc_no, track_no) WHERE missing_since IS NULL;
CREATE INDEX tracks_artist ON tracks (artist_id, missing_since);
CREATE INDEX tracks_identity ON tracks (identity);
CREATE INDEX tracks_missing ON tracks (mbid) WHERE missing_since IS NOT NULL;
CREATE INDEX tracks_to_analyse ON tracks (seen_in) WHERE analysed = 0 AND missing_since IS NULL;
CREATE INDEX vectors_failed ON vectors (track_id) WHERE data IS NULL;
CREATE INDEX tracks_without_genres ON tracks (id) WHERE genres_done = 0 AND genre_raw <> '';
CREATE INDEX albums_without_cover ON albums (id) WHERE cover_done = 0;

CREATE TRIGGER vector_stored AFTER INSERT ON vectors BEGIN
    UPDATE tracks SET analysed = 1 WHERE id = new.track_id;
END;
CREATE TRIGGER vector_removed AFTER DELETE ON vectors BEGIN
    UPDATE tracks SET analysed = 0 WHERE id = old.track_id;
END;

CREATE TABLE scan_sessions_new (
    id          INTEGER PRIMARY KEY,
    status      TEXT NOT NULL CHECK (status IN ('running', 'paused', 'completed', 'cancelled')),
    started_at  REAL NOT NULL,
    finished_at REAL,
    moved_at    REAL NOT NULL,             -- last sign of life of the discovery
    attempts    INTEGER NOT NULL DEFAULT 1, -- times that discovery was sent
    discovered  INTEGER NOT NULL DEFAULT 0 CHECK (discovered IN (0, 1)),
    unchanged   INTEGER NOT NULL DEFAULT 0, -- files found as they were
    scope       TEXT,                      -- JSON list of encoded folders; NULL: every root
    confirmed   INTEGER NOT NULL DEFAULT 0, -- a person says that what is not there was removed
    moved       INTEGER NOT NULL DEFAULT 0, -- files found in another place
    missing     INTEGER NOT NULL DEFAULT 0, -- files no longer there
    withheld    INTEGER NOT NULL DEFAULT 0  -- files not found, but their whole root is gone or empty
) STRICT;
INSERT INTO scan_sessions_new (id, status, started_at, finished_at, moved_at, attempts, discovered, unchanged)
SELECT id, status, started_at, finished_at, moved_at, attempts, discovered, unchanged FROM scan_sessions;
DROP TABLE scan_sessions;
ALTER TABLE scan_sessions_new RENAME TO scan_sessions;
-- One scan at a time, held by the database itself.
CREATE UNIQUE INDEX one_active_session ON scan_sessions ((1)) WHERE status IN ('running', 'paused');
CREATE INDEX batches_session ON batches (session_id, done_at, file_count);

-- Each root is judged alone: the configured ones, and every mount point found below them.
CREATE TABLE roots (
    path        TEXT PRIMARY KEY           -- encoded
) STRICT, WITHOUT ROWID;

-- Known files that the running session has not met again, until it is judged what became of them.
CREATE TABLE unseen (
    path        TEXT PRIMARY KEY,
    session_id  INTEGER NOT NULL REFERENCES scan_sessions (id),
    root        TEXT NOT NULL
) STRICT, WITHOUT ROWID;
