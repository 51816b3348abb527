-- Pictures are kept by their SHA-256 from here on; those of before are looked for again.
ALTER TABLE albums ADD COLUMN cover_hash TEXT;
UPDATE albums SET cover = NULL, cover_done = 0;

-- A later batch may bring the picture that the first one had not.
CREATE TRIGGER new_track_with_picture AFTER INSERT ON tracks WHEN NEW.has_picture = 1 BEGIN
    UPDATE albums SET cover_done = 0 WHERE id = NEW.album_id AND cover_done = 1 AND cover_hash IS NULL;
END;

-- What MusicBrainz and the Cover Art Archive answered, by their ids and not by ours: it outlives an album that comes and
-- goes with its disk. `expires_at` (Unix seconds) is when it is asked again; a row without a name was asked in vain.
CREATE TABLE mb_artists (
    mbid        TEXT PRIMARY KEY,
    name        TEXT,
    sort_name   TEXT,
    type        TEXT,
    country     TEXT,
    genres      TEXT NOT NULL DEFAULT '[]',   -- JSON, the most voted first
    expires_at  REAL NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE mb_releases (
    mbid        TEXT PRIMARY KEY,
    name        TEXT,
    group_mbid  TEXT,                         -- release group
    type        TEXT,
    date        TEXT,                         -- as MusicBrainz has it: a year, a month or a day
    label       TEXT,
    genres      TEXT NOT NULL DEFAULT '[]',
    expires_at  REAL NOT NULL
) STRICT, WITHOUT ROWID;
-- Which release an album without an id is; `mbid` is NULL where there was no good and single answer.
CREATE TABLE mb_searches (
    artist_key  TEXT NOT NULL,
    album_key   TEXT NOT NULL,
    tracks      INTEGER NOT NULL,
    mbid        TEXT,
    expires_at  REAL NOT NULL,
    PRIMARY KEY (artist_key, album_key, tracks)
) STRICT, WITHOUT ROWID;
-- Releases of which the archive has no front cover.
CREATE TABLE caa_misses (
    mbid        TEXT PRIMARY KEY,
    expires_at  REAL NOT NULL
) STRICT, WITHOUT ROWID;

-- Whether the services answer, and who has work of theirs in hand.
CREATE TABLE online_services (
    name         TEXT PRIMARY KEY,
    failures     INTEGER NOT NULL DEFAULT 0,  -- in a row
    reason       TEXT,
    retry_at     REAL NOT NULL DEFAULT 0,     -- Unix seconds; nothing is asked before
    leased_until REAL NOT NULL DEFAULT 0      -- a task has a window of work until then
) STRICT, WITHOUT ROWID;
INSERT INTO online_services (name) VALUES ('musicbrainz'), ('coverart');

-- An album's release: told by its files, else found. What was found stays out of albums.mbid, which decides what is one
-- album: a guess must not split it from a file that knows.
CREATE VIEW album_releases AS
SELECT b.id AS album_id, coalesce(b.mbid, s.mbid) AS mbid
FROM albums b JOIN artists o ON o.id = b.artist_id
LEFT JOIN mb_searches s ON b.mbid IS NULL AND s.artist_key = o.key AND s.album_key = b.key
     AND s.tracks = (SELECT count(*) FROM tracks t WHERE t.album_id = b.id);

-- The genres of a track whose tags have none: those of its release, else of its artist.
CREATE VIEW track_online_genres AS
SELECT t.id AS track_id, j.value AS name
FROM tracks t, json_each(coalesce(
    (SELECT nullif(m.genres, '[]') FROM album_releases r JOIN mb_releases m ON m.mbid = r.mbid
      WHERE r.album_id = t.album_id),
    (SELECT m.genres FROM artists a JOIN mb_artists m ON m.mbid = a.mbid WHERE a.id = t.artist_id),
    '[]')) j;

CREATE TRIGGER new_track_without_genre AFTER INSERT ON tracks
WHEN NEW.genre_raw = '' AND EXISTS (SELECT 1 FROM track_online_genres WHERE track_id = NEW.id) BEGIN
    INSERT INTO genres (name) SELECT DISTINCT name FROM track_online_genres
        WHERE track_id = NEW.id AND name NOT IN (SELECT name FROM genres);
    INSERT INTO track_genres (track_id, genre_id) SELECT DISTINCT o.track_id, g.id
        FROM track_online_genres o JOIN genres g ON g.name = o.name WHERE o.track_id = NEW.id;
END;
CREATE TRIGGER changed_track_without_genre AFTER UPDATE OF genre_raw, album_id, artist_id ON tracks
WHEN NEW.genre_raw = '' BEGIN
    DELETE FROM track_genres WHERE track_id = NEW.id;
    INSERT INTO genres (name) SELECT DISTINCT name FROM track_online_genres
        WHERE track_id = NEW.id AND name NOT IN (SELECT name FROM genres);
    INSERT INTO track_genres (track_id, genre_id) SELECT DISTINCT o.track_id, g.id
        FROM track_online_genres o JOIN genres g ON g.name = o.name WHERE o.track_id = NEW.id;
END;
