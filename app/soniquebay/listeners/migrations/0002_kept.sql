-- What users keep hangs on these rows and not on the library's ids, which are given anew when the library is made anew.
-- Each has what it is found again by: see items.py and reattach.py.
CREATE TABLE items (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    kind        TEXT NOT NULL CHECK (kind IN ('track', 'album', 'artist')),
    library_id  INTEGER,                   -- its id in library.db; NULL: it is not there
    added_at    REAL NOT NULL,             -- that of its row in library.db: with the id it names one row for ever
    title       TEXT NOT NULL,             -- of an artist: the name
    artist      TEXT,
    album       TEXT,
    mbid        TEXT,                      -- recording, release or artist
    path        TEXT,                      -- of a track, encoded
    part        INTEGER,
    fingerprint INTEGER,
    duration    REAL,                      -- seconds
    sample_id   INTEGER REFERENCES items,  -- a track of the album or artist, which leads to it
    sample_role TEXT,                      -- in which the artist is credited there
    UNIQUE (kind, library_id)
) STRICT;
-- Tracks that are looked for in the library, for a walk over all of its tracks.
CREATE INDEX items_lost_by_mbid ON items (mbid) WHERE kind = 'track' AND library_id IS NULL;
CREATE INDEX items_lost_by_title ON items (title) WHERE kind = 'track' AND library_id IS NULL;
CREATE INDEX items_sample ON items (sample_id) WHERE sample_id IS NOT NULL;

-- `kind` is that of the item, for the order of a list.
CREATE TABLE stars (
    item_id     INTEGER NOT NULL REFERENCES items,
    user_id     INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    kind        TEXT NOT NULL,
    starred_at  REAL NOT NULL,             -- Unix time
    PRIMARY KEY (item_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX stars_in_order ON stars (user_id, kind, starred_at, item_id);

CREATE TABLE ratings (
    item_id     INTEGER NOT NULL REFERENCES items,
    user_id     INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    kind        TEXT NOT NULL,
    rating      INTEGER NOT NULL CHECK (rating BETWEEN 1 AND 5),
    rated_at    REAL NOT NULL,
    PRIMARY KEY (item_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX ratings_in_order ON ratings (user_id, kind, rating, rated_at, item_id);

-- A play counts for the track, for its album and for its artists.
CREATE TABLE play_counts (
    item_id     INTEGER NOT NULL REFERENCES items,
    user_id     INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    kind        TEXT NOT NULL,
    play_count  INTEGER NOT NULL,
    last_played_at REAL NOT NULL,
    PRIMARY KEY (item_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX play_counts_by_count ON play_counts (user_id, kind, play_count, item_id);
CREATE INDEX play_counts_by_time ON play_counts (user_id, kind, last_played_at, item_id);

-- Each play of a track.
CREATE TABLE plays (
    user_id     INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    played_at   REAL NOT NULL,
    item_id     INTEGER NOT NULL REFERENCES items,
    client      TEXT NOT NULL,
    PRIMARY KEY (user_id, played_at, item_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX plays_item ON plays (item_id);

CREATE TABLE play_queues (
    user_id     INTEGER PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    position    INTEGER NOT NULL,          -- of the entry that is played, from 0
    position_ms INTEGER NOT NULL,          -- where in that entry
    changed_by  TEXT NOT NULL,             -- the client
    changed_at  REAL NOT NULL
) STRICT;
CREATE TABLE play_queue_entries (
    user_id     INTEGER NOT NULL REFERENCES play_queues ON DELETE CASCADE,
    position    INTEGER NOT NULL,          -- from 0, without gaps
    item_id     INTEGER NOT NULL REFERENCES items,
    PRIMARY KEY (user_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX play_queue_entries_item ON play_queue_entries (item_id);

CREATE TABLE bookmarks (
    item_id     INTEGER NOT NULL REFERENCES items,
    user_id     INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    position_ms INTEGER NOT NULL,
    comment     TEXT NOT NULL,
    created_at  REAL NOT NULL,
    changed_at  REAL NOT NULL,
    PRIMARY KEY (item_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX bookmarks_in_order ON bookmarks (user_id, changed_at);

CREATE TABLE playlists (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id     INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    name        TEXT NOT NULL,
    comment     TEXT NOT NULL,
    is_public   INTEGER NOT NULL CHECK (is_public IN (0, 1)), -- every user may read it
    rules       TEXT,                      -- JSON, of a smart playlist; it has no entries
    revision    INTEGER NOT NULL,          -- how often the entries were changed
    created_at  REAL NOT NULL,
    changed_at  REAL NOT NULL
) STRICT;
CREATE INDEX playlists_user ON playlists (user_id);
CREATE INDEX playlists_public ON playlists (is_public) WHERE is_public;
CREATE TABLE playlist_entries (
    playlist_id INTEGER NOT NULL REFERENCES playlists ON DELETE CASCADE,
    position    INTEGER NOT NULL,          -- from 0, without gaps
    item_id     INTEGER NOT NULL REFERENCES items,
    PRIMARY KEY (playlist_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX playlist_entries_item ON playlist_entries (item_id);
