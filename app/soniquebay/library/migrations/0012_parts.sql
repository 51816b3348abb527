-- A file may hold several tracks, which its cue sheet describes. Path and part are unique together: part 0 is the whole
-- file, the others count from 1. The table is made anew, because its path was unique alone.
PRAGMA legacy_alter_table = ON;            -- triggers and views that name the table stay as they are
CREATE TABLE tracks_new (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    title       TEXT NOT NULL,
    artist_id   INTEGER NOT NULL REFERENCES artists (id),
    credit      TEXT,                      -- the performers as tagged
    album_id    INTEGER REFERENCES albums (id),
    track_no    INTEGER,
    disc_no     INTEGER,
    year        INTEGER,
    duration    REAL NOT NULL,             -- seconds; what the analysis measured, if the file states something else
    format      TEXT NOT NULL,
    mbid        TEXT,                      -- MusicBrainz recording
    has_picture INTEGER NOT NULL DEFAULT 0,
    added_at    REAL NOT NULL,             -- Unix seconds
    path        TEXT NOT NULL,             -- encoded, see library/paths.py
    size        INTEGER NOT NULL,          -- bytes
    mtime_ns    INTEGER NOT NULL,
    fingerprint INTEGER,                   -- what a moved file still has, see library/catalogue/message.py
    read_session_id INTEGER REFERENCES scan_sessions (id),  -- the session that read it last
    missing_since REAL,                    -- Unix seconds; the file was not there at that scan
    analysed    INTEGER NOT NULL DEFAULT 0, -- has its vector, or a reason for none; kept by triggers of `vectors`
    retry_later INTEGER NOT NULL DEFAULT 0,
    reader_version INTEGER NOT NULL DEFAULT 0, -- an older one: the next scan reads the file again
    normalised_album TEXT,
    album_mbid  TEXT,                      -- MusicBrainz release, as the file says
    disc_subtitle TEXT,
    date        TEXT,                      -- YYYY, YYYY-MM or YYYY-MM-DD
    original_date TEXT,
    picture_key INTEGER,                   -- see 0009_pictures.sql
    sort_title  TEXT NOT NULL DEFAULT '',
    part        INTEGER NOT NULL DEFAULT 0,
    start_seconds REAL NOT NULL DEFAULT 0, -- where the part begins in its file
    superseded  INTEGER NOT NULL DEFAULT 0, -- 1: the file is there, but is divided otherwise now; the track is missing
    companion_stamp INTEGER NOT NULL DEFAULT 0, -- of the sheets and lyrics beside the file, 0 without any
    stated_duration REAL NOT NULL DEFAULT 0, -- seconds, as read from the file
    UNIQUE (path, part)
) STRICT;
INSERT INTO tracks_new (id, title, artist_id, credit, album_id, track_no, disc_no, year, duration, format, mbid,
    has_picture, added_at, path, size, mtime_ns, fingerprint, read_session_id, missing_since, analysed, retry_later,
    reader_version, normalised_album, album_mbid, disc_subtitle, date, original_date, picture_key, sort_title,
    stated_duration)
SELECT id, title, artist_id, credit, album_id, track_no, disc_no, year, duration, format, mbid,
    has_picture, added_at, path, size, mtime_ns, fingerprint, read_session_id, missing_since, analysed, retry_later,
    reader_version, normalised_album, album_mbid, disc_subtitle, date, original_date, picture_key, sort_title,
    duration
FROM tracks;
INSERT INTO sqlite_sequence (name, seq) SELECT 'tracks_new', 0
WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'tracks_new');
UPDATE sqlite_sequence SET seq = max(seq, coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'tracks'), 0))
WHERE name = 'tracks_new';
DROP TABLE tracks;
ALTER TABLE tracks_new RENAME TO tracks;
PRAGMA legacy_alter_table = OFF;

-- Sheets within files were not used so far.
UPDATE tracks SET reader_version = 0
WHERE id IN (SELECT track_id FROM file_tags WHERE tags -> '$.cuesheet' IS NOT NULL);

CREATE INDEX tracks_missing ON tracks (mbid) WHERE missing_since IS NOT NULL;
CREATE INDEX tracks_to_analyse ON tracks (read_session_id) WHERE analysed = 0 AND missing_since IS NULL;
CREATE INDEX tracks_fingerprint ON tracks (fingerprint);
CREATE INDEX tracks_normalised_album ON tracks (normalised_album);
CREATE INDEX tracks_album_mbid ON tracks (album_mbid) WHERE album_mbid IS NOT NULL;
CREATE INDEX tracks_sort_title ON tracks (sort_title) WHERE missing_since IS NULL;
CREATE INDEX tracks_year ON tracks (year) WHERE missing_since IS NULL;
CREATE INDEX tracks_added ON tracks (added_at) WHERE missing_since IS NULL;
CREATE INDEX tracks_format ON tracks (format) WHERE missing_since IS NULL;
CREATE INDEX tracks_album ON tracks (album_id, missing_since, disc_no, track_no);
CREATE INDEX tracks_artist ON tracks (artist_id, missing_since, album_id, disc_no, track_no);
-- The tracks that a session has more than files; and those that count in no album.
CREATE INDEX tracks_parts ON tracks (read_session_id) WHERE part > 1 AND missing_since IS NULL;
CREATE INDEX tracks_superseded ON tracks (album_id) WHERE superseded = 1;

-- Triggers go with their table. These are those of 0009_pictures.sql and 0011_browsing.sql, unchanged.
CREATE TRIGGER changed_track_of_album
AFTER UPDATE OF album_id, path, missing_since, retry_later, size, mtime_ns ON tracks
WHEN OLD.album_id IS NOT NEW.album_id OR OLD.path <> NEW.path OR OLD.retry_later > NEW.retry_later
  OR OLD.size <> NEW.size OR OLD.mtime_ns <> NEW.mtime_ns
  OR (OLD.missing_since IS NULL) <> (NEW.missing_since IS NULL) BEGIN
    UPDATE albums SET cover_checked = 0 WHERE id IN (OLD.album_id, NEW.album_id) AND cover_checked = 1;
    UPDATE track_covers SET checked = 0 WHERE track_id = NEW.id;
    INSERT INTO track_covers (track_id) SELECT NEW.id WHERE NEW.album_id IS NULL ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER track_presence AFTER UPDATE OF missing_since ON tracks
WHEN (OLD.missing_since IS NULL) <> (NEW.missing_since IS NULL)
BEGIN
    INSERT INTO artist_roles (artist_id, role, track_count)
    SELECT DISTINCT artist_id, role, iif(NEW.missing_since IS NULL, 1, -1) FROM track_artists WHERE track_id = NEW.id
    ON CONFLICT (artist_id, role) DO UPDATE SET track_count = track_count + excluded.track_count;
    DELETE FROM artist_roles WHERE track_count = 0
    AND artist_id IN (SELECT artist_id FROM track_artists WHERE track_id = NEW.id);
    UPDATE genres SET track_count = track_count + iif(NEW.missing_since IS NULL, 1, -1)
    WHERE id IN (SELECT genre_id FROM track_genres WHERE track_id = NEW.id);
END;
CREATE TRIGGER track_album AFTER UPDATE OF album_id, missing_since ON tracks
WHEN iif(OLD.missing_since IS NULL, OLD.album_id, NULL) IS NOT iif(NEW.missing_since IS NULL, NEW.album_id, NULL)
BEGIN
    UPDATE album_genres SET track_count = track_count - 1 WHERE OLD.missing_since IS NULL
    AND album_id = OLD.album_id AND genre_id IN (SELECT genre_id FROM track_genres WHERE track_id = NEW.id);
    DELETE FROM album_genres WHERE album_id = OLD.album_id AND track_count = 0;
    INSERT INTO album_genres (album_id, genre_id, track_count)
    SELECT NEW.album_id, genre_id, 1 FROM track_genres
    WHERE track_id = NEW.id AND NEW.missing_since IS NULL AND NEW.album_id IS NOT NULL
    ON CONFLICT (album_id, genre_id) DO UPDATE SET track_count = track_count + 1;
END;
CREATE TRIGGER track_deleted BEFORE DELETE ON tracks BEGIN
    DELETE FROM track_artists WHERE track_id = OLD.id;
    DELETE FROM track_genres WHERE track_id = OLD.id;
END;

-- A track that is superseded belongs to no edition of its album.
DROP VIEW album_releases;
CREATE VIEW album_releases AS
SELECT b.id AS album_id, coalesce(b.mbid, s.mbid) AS mbid
FROM albums b JOIN artists o ON o.id = b.artist_id
LEFT JOIN mb_searches s ON b.mbid IS NULL AND s.normalised_artist = o.normalised_name AND s.normalised_album = b.normalised_title
     AND s.tracks = (SELECT count(*) FROM tracks t WHERE t.album_id = b.id)
                  - (SELECT count(*) FROM tracks t WHERE t.album_id = b.id AND t.superseded = 1);
