-- The catalogue follows from what the files say, so all of that is stored: see library/catalogue.
DROP VIEW track_online_genres;
DROP VIEW album_releases;
DROP TRIGGER new_track_with_picture;

CREATE TABLE file_tags (
    track_id    INTEGER PRIMARY KEY REFERENCES tracks (id) ON DELETE CASCADE,
    tags        TEXT NOT NULL,             -- JSON: canonical names with a value, or a list of values
    sound       TEXT NOT NULL              -- JSON: codec, bit rate and so on, see audio/reading/raw.py
) STRICT;

ALTER TABLE artists ADD COLUMN added_at REAL NOT NULL DEFAULT 0;  -- Unix seconds
ALTER TABLE tracks ADD COLUMN reader_version INTEGER NOT NULL DEFAULT 0;  -- an older one: the next scan reads the file again
ALTER TABLE tracks ADD COLUMN normalised_album TEXT;
ALTER TABLE tracks ADD COLUMN album_mbid TEXT;     -- MusicBrainz release, as the file says
ALTER TABLE tracks ADD COLUMN disc_subtitle TEXT;
ALTER TABLE tracks ADD COLUMN date TEXT;           -- YYYY, YYYY-MM or YYYY-MM-DD
ALTER TABLE tracks ADD COLUMN original_date TEXT;
UPDATE tracks SET credit = (SELECT name FROM artists a WHERE a.id = artist_id) WHERE credit IS NULL;

CREATE TABLE albums_new (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    title       TEXT NOT NULL,
    normalised_title TEXT NOT NULL,
    artist_id   INTEGER NOT NULL REFERENCES artists (id),  -- the first of album_artists
    credit      TEXT NOT NULL,             -- the album's artists, as people see them
    year        INTEGER,
    date        TEXT,
    original_date TEXT,
    mbid        TEXT,                      -- MusicBrainz release
    release_group_mbid TEXT,
    compilation INTEGER NOT NULL DEFAULT 0,
    cover_media_type TEXT,                 -- NULL without a cover
    cover_checked INTEGER NOT NULL DEFAULT 0,
    cover_sha256 TEXT,
    added_at    REAL NOT NULL DEFAULT 0    -- Unix seconds
) STRICT;
INSERT INTO albums_new (id, title, normalised_title, artist_id, credit, year, mbid, cover_media_type, cover_checked, cover_sha256)
SELECT b.id, b.title, b.normalised_title, b.artist_id, o.name, b.year, b.mbid, b.cover_media_type, b.cover_checked,
       b.cover_sha256
FROM albums b JOIN artists o ON o.id = b.artist_id;
UPDATE sqlite_sequence SET seq = max(seq, coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'albums'), 0))
WHERE name = 'albums_new';
DROP TABLE albums;
ALTER TABLE albums_new RENAME TO albums;
CREATE INDEX albums_normalised_title ON albums (normalised_title);
CREATE INDEX albums_artist ON albums (artist_id, normalised_title);
CREATE INDEX albums_without_cover ON albums (id) WHERE cover_checked = 0;
CREATE INDEX tracks_normalised_album ON tracks (normalised_album);
CREATE INDEX tracks_album_mbid ON tracks (album_mbid) WHERE album_mbid IS NOT NULL;

-- Everybody who is credited. `role` is artist, composer, performer …; `detail` is a performer's instrument.
CREATE TABLE track_artists (
    track_id    INTEGER NOT NULL REFERENCES tracks (id) ON DELETE CASCADE,
    position    INTEGER NOT NULL,          -- from 0, over all roles
    role        TEXT NOT NULL,
    artist_id   INTEGER NOT NULL REFERENCES artists (id),
    name        TEXT NOT NULL,             -- as credited
    detail      TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (track_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX track_artists_artist ON track_artists (artist_id);
CREATE TABLE album_artists (
    album_id    INTEGER NOT NULL REFERENCES albums (id) ON DELETE CASCADE,
    position    INTEGER NOT NULL,
    artist_id   INTEGER NOT NULL REFERENCES artists (id),
    name        TEXT NOT NULL,
    PRIMARY KEY (album_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX album_artists_artist ON album_artists (artist_id);

-- Which names surely are one artist, by the files that say so; `mbid` is empty without an id.
CREATE TABLE artist_names (
    normalised_name TEXT NOT NULL,
    mbid        TEXT NOT NULL,
    files       INTEGER NOT NULL,
    PRIMARY KEY (normalised_name, mbid)
) STRICT, WITHOUT ROWID;
CREATE INDEX artist_names_mbid ON artist_names (mbid) WHERE mbid <> '';
-- Which tracks depend on whether a name is known: their credits may be split there.
CREATE TABLE joined_names (
    normalised_name TEXT NOT NULL,
    track_id    INTEGER NOT NULL REFERENCES tracks (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY (normalised_name, track_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX joined_names_track ON joined_names (track_id);

CREATE VIEW album_releases AS
SELECT b.id AS album_id, coalesce(b.mbid, s.mbid) AS mbid
FROM albums b JOIN artists o ON o.id = b.artist_id
LEFT JOIN mb_searches s ON b.mbid IS NULL AND s.normalised_artist = o.normalised_name AND s.normalised_album = b.normalised_title
     AND s.tracks = (SELECT count(*) FROM tracks t WHERE t.album_id = b.id);
CREATE VIEW track_online_genres AS
SELECT t.id AS track_id, j.value AS name
FROM tracks t, json_each(coalesce(
    (SELECT nullif(m.genres, '[]') FROM album_releases r JOIN mb_releases m ON m.mbid = r.mbid
      WHERE r.album_id = t.album_id),
    (SELECT m.genres FROM artists a JOIN mb_artists m ON m.mbid = a.mbid WHERE a.id = t.artist_id),
    '[]')) j;

-- Genres are written with their tracks. One genre has several spellings: each track's own is kept.
DROP INDEX tracks_without_genres;
ALTER TABLE tracks DROP COLUMN genres_cleaned;
CREATE TABLE old_genres AS SELECT tg.track_id, g.id, g.name, t.genre_raw <> '' AS from_tags
    FROM track_genres tg JOIN genres g ON g.id = tg.genre_id JOIN tracks t ON t.id = tg.track_id;
DROP TABLE track_genres;
DROP TABLE genres;
CREATE TABLE genres (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    normalised_name TEXT NOT NULL UNIQUE,
    name        TEXT NOT NULL              -- the most frequent spelling
) STRICT;
CREATE TABLE track_genres (
    track_id    INTEGER NOT NULL REFERENCES tracks (id) ON DELETE CASCADE,
    genre_id    INTEGER NOT NULL REFERENCES genres (id),
    name        TEXT NOT NULL,             -- as this track spells it
    from_tags   INTEGER NOT NULL,          -- 0: from MusicBrainz
    PRIMARY KEY (track_id, genre_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX track_genres_genre ON track_genres (genre_id, name);
INSERT INTO genres (id, normalised_name, name)
SELECT min(id), replace(lower(name), '-', ' '), name FROM old_genres GROUP BY 2;
INSERT OR IGNORE INTO track_genres (track_id, genre_id, name, from_tags)
SELECT o.track_id, g.id, o.name, o.from_tags FROM old_genres o
JOIN genres g ON g.normalised_name = replace(lower(o.name), '-', ' ');
DROP TABLE old_genres;

-- A later batch may bring the picture that the first one had not.
CREATE TRIGGER new_track_with_picture AFTER INSERT ON tracks WHEN NEW.has_picture = 1 BEGIN
    UPDATE albums SET cover_checked = 0 WHERE id = NEW.album_id AND cover_checked = 1 AND cover_sha256 IS NULL;
END;

-- The files of an older library are read again by the next scan; until then these are what they say.
INSERT INTO file_tags (track_id, sound, tags)
SELECT t.id, json_object('format', t.format, 'duration', t.duration), json_patch('{}', json_object(
    'title', t.title, 'artist', t.credit, 'album', b.title, 'album_artist', o.name,
    'track', CAST(t.track_no AS TEXT), 'disc', CAST(t.disc_no AS TEXT), 'date', CAST(t.year AS TEXT),
    'genre', nullif(t.genre_raw, ''), 'mb_recording', t.mbid, 'mb_album', b.mbid, 'mb_artist', a.mbid, 'mb_album_artist', o.mbid))
FROM tracks t JOIN artists a ON a.id = t.artist_id
LEFT JOIN albums b ON b.id = t.album_id LEFT JOIN artists o ON o.id = b.artist_id;
-- The API makes the catalogue from these when it starts: see library/catalogue/rebuild.py.
INSERT INTO track_artists (track_id, position, role, artist_id, name)
SELECT t.id, 0, 'artist', t.artist_id, a.name FROM tracks t JOIN artists a ON a.id = t.artist_id;
INSERT INTO album_artists (album_id, position, artist_id, name)
SELECT b.id, 0, b.artist_id, o.name FROM albums b JOIN artists o ON o.id = b.artist_id;
CREATE TABLE catalogue_state (
    rules_version INTEGER NOT NULL,        -- of the rules that made the catalogue
    artist_joins TEXT NOT NULL DEFAULT ''  -- where credits are always split, separated by spaces
) STRICT;
INSERT INTO catalogue_state (rules_version) SELECT CASE WHEN EXISTS (SELECT 1 FROM tracks) THEN 0 ELSE 1 END;
-- What a rebuild has still to group: an album title, or a track without an album.
CREATE TABLE titles_to_group (
    normalised_album TEXT NOT NULL,
    track_id    INTEGER NOT NULL,
    UNIQUE (normalised_album, track_id)
) STRICT;
ALTER TABLE tracks DROP COLUMN genre_raw;
