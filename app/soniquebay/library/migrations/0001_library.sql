-- Every regular file of the library that was read, whether it became a track or not.
CREATE TABLE files (
    id          INTEGER PRIMARY KEY,
    path        TEXT    NOT NULL UNIQUE,   -- encoded, see library/paths.py
    size        INTEGER NOT NULL,          -- bytes
    mtime_ns    INTEGER NOT NULL,
    track_id    INTEGER REFERENCES tracks (id),
    seen_in     INTEGER REFERENCES scan_sessions (id)   -- the session that read it last
) STRICT;
CREATE INDEX files_track ON files (track_id);

-- AUTOINCREMENT: an id is never given out again, for a task on its way may still speak of the one that is gone.
CREATE TABLE artists (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT NOT NULL,
    key         TEXT NOT NULL,             -- normalised name
    mbid        TEXT UNIQUE
) STRICT;
CREATE INDEX artists_key ON artists (key);

CREATE TABLE albums (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    title       TEXT NOT NULL,
    key         TEXT NOT NULL,             -- normalised title
    artist_id   INTEGER NOT NULL REFERENCES artists (id),
    year        INTEGER,
    mbid        TEXT UNIQUE,
    cover       TEXT,                      -- media type of the cover, NULL without one
    cover_done  INTEGER NOT NULL DEFAULT 0 -- a cover was looked for
) STRICT;
CREATE INDEX albums_key ON albums (artist_id, key);

CREATE TABLE tracks (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    title       TEXT NOT NULL,
    artist_id   INTEGER NOT NULL REFERENCES artists (id),
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
    added_at    REAL NOT NULL              -- Unix seconds
) STRICT;
CREATE INDEX tracks_album ON tracks (album_id);
CREATE INDEX tracks_artist ON tracks (artist_id);

CREATE TABLE genres (
    id          INTEGER PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE
) STRICT;
CREATE TABLE track_genres (
    track_id    INTEGER NOT NULL REFERENCES tracks (id) ON DELETE CASCADE,
    genre_id    INTEGER NOT NULL REFERENCES genres (id),
    PRIMARY KEY (track_id, genre_id)
) STRICT, WITHOUT ROWID;

-- One vector a track; a track that could not be analysed has a reason in its place.
CREATE TABLE vectors (
    track_id    INTEGER PRIMARY KEY REFERENCES tracks (id) ON DELETE CASCADE,
    version     INTEGER NOT NULL,          -- of the features, audio/features.py
    data        BLOB,                      -- little-endian float32
    failure     TEXT,
    CHECK ((data IS NULL) <> (failure IS NULL))
) STRICT;

CREATE TABLE scan_sessions (
    id          INTEGER PRIMARY KEY,
    status      TEXT NOT NULL CHECK (status IN ('running', 'completed')),
    started_at  REAL NOT NULL,
    finished_at REAL,
    moved_at    REAL NOT NULL,             -- last sign of life of the discovery
    attempts    INTEGER NOT NULL DEFAULT 1, -- times that discovery was sent
    discovered  INTEGER NOT NULL DEFAULT 0 CHECK (discovered IN (0, 1)),
    unchanged   INTEGER NOT NULL DEFAULT 0 -- files found as they were
) STRICT;
-- One scan at a time, held by the database itself.
CREATE UNIQUE INDEX one_running_session ON scan_sessions (status) WHERE status = 'running';

-- The ledger: what was handed to the queues. `files` is kept until the batch is done.
CREATE TABLE batches (
    id          TEXT PRIMARY KEY,
    session_id  INTEGER NOT NULL REFERENCES scan_sessions (id),
    files       TEXT,                      -- JSON [[path, size, mtime_ns], …]; NULL once done
    file_count  INTEGER NOT NULL,
    sent_at     REAL NOT NULL,
    attempts    INTEGER NOT NULL DEFAULT 1,
    done_at     REAL
) STRICT;
CREATE INDEX batches_open ON batches (session_id) WHERE done_at IS NULL;

CREATE TABLE failures (
    id          INTEGER PRIMARY KEY,
    session_id  INTEGER NOT NULL REFERENCES scan_sessions (id),
    path        TEXT NOT NULL,
    stage       TEXT NOT NULL,
    reason      TEXT NOT NULL,
    is_file     INTEGER NOT NULL CHECK (is_file IN (0, 1)),   -- 0: a folder that could not be read
    UNIQUE (session_id, path)
) STRICT;

-- Full text over title, artist and album; kept by library/ingest.py beside the rows it reads.
CREATE VIRTUAL TABLE search USING fts5 (
    title, artist, album,
    tokenize = "unicode61 remove_diacritics 2", prefix = '2 3'
);
