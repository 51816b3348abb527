-- Playlist files in the folders of music, as they were last read. Each has a playlist, which follows it.
CREATE TABLE playlist_files (
    path        TEXT PRIMARY KEY,          -- encoded
    size        INTEGER NOT NULL,
    mtime_ns    INTEGER NOT NULL,
    name        TEXT NOT NULL,
    comment     TEXT NOT NULL,
    rules       TEXT,                      -- JSON, of a smart playlist
    entries     TEXT NOT NULL DEFAULT '[]', -- JSON: of each location, its encoded text and how many entries it has made
    new_locations TEXT,                    -- JSON: the encoded locations that the playlist does not follow yet
    unresolved  INTEGER NOT NULL DEFAULT 0, -- locations at which the library has no track
    playlist_id INTEGER UNIQUE REFERENCES playlists ON DELETE SET NULL
) STRICT;
-- What a look after each scan asks for.
CREATE INDEX playlist_files_to_follow ON playlist_files (path) WHERE new_locations IS NOT NULL OR unresolved;
