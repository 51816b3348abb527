-- Lists in every order, page by page: see library/browsing. Sort keys are those of library/catalogue/sort_keys.py.
ALTER TABLE tracks ADD COLUMN sort_title TEXT NOT NULL DEFAULT '';
ALTER TABLE albums ADD COLUMN sort_title TEXT NOT NULL DEFAULT '';
ALTER TABLE artists ADD COLUMN sort_name TEXT NOT NULL DEFAULT '';
-- How the tags of files say that a name sorts.
CREATE TABLE sort_names (
    normalised_name TEXT NOT NULL,
    sort_name   TEXT NOT NULL,             -- as tagged
    files       INTEGER NOT NULL,
    PRIMARY KEY (normalised_name, sort_name)
) STRICT, WITHOUT ROWID;
-- Sort keys come from a rebuild, which the API begins when it starts. Until then these stand in for them.
UPDATE tracks SET sort_title = lower(substr(title, 1, 100));
UPDATE albums SET sort_title = substr(normalised_title, 1, 100);
UPDATE artists SET sort_name = substr(normalised_name, 1, 100);
UPDATE catalogue_state SET rules_version = 0 WHERE EXISTS (SELECT 1 FROM tracks);

CREATE INDEX tracks_sort_title ON tracks (sort_title) WHERE missing_since IS NULL;
CREATE INDEX tracks_year ON tracks (year) WHERE missing_since IS NULL;
CREATE INDEX tracks_added ON tracks (added_at) WHERE missing_since IS NULL;
CREATE INDEX tracks_format ON tracks (format) WHERE missing_since IS NULL;
DROP INDEX tracks_album;
DROP INDEX tracks_in_order;
CREATE INDEX tracks_album ON tracks (album_id, missing_since, disc_no, track_no);
DROP INDEX tracks_artist;
CREATE INDEX tracks_artist ON tracks (artist_id, missing_since, album_id, disc_no, track_no);
CREATE INDEX albums_sort_title ON albums (sort_title);
CREATE INDEX albums_year ON albums (year);
CREATE INDEX albums_added ON albums (added_at);
DROP INDEX albums_artist;
CREATE INDEX albums_artist ON albums (artist_id, year, sort_title);
CREATE INDEX artists_sort_name ON artists (sort_name);
CREATE INDEX artists_added ON artists (added_at);

-- Numbers of tracks that are not missing.
CREATE TABLE artist_roles (
    artist_id   INTEGER NOT NULL REFERENCES artists (id) ON DELETE CASCADE,
    role        TEXT NOT NULL,
    track_count INTEGER NOT NULL,          -- several credits in one track count once
    PRIMARY KEY (artist_id, role)
) STRICT, WITHOUT ROWID;
CREATE INDEX artist_roles_count ON artist_roles (role, track_count, artist_id);
CREATE TABLE album_genres (
    album_id    INTEGER NOT NULL REFERENCES albums (id) ON DELETE CASCADE,
    genre_id    INTEGER NOT NULL REFERENCES genres (id) ON DELETE CASCADE,
    track_count INTEGER NOT NULL,
    PRIMARY KEY (album_id, genre_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX album_genres_genre ON album_genres (genre_id);
ALTER TABLE genres ADD COLUMN sort_name TEXT NOT NULL DEFAULT '';
ALTER TABLE genres ADD COLUMN track_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE genres ADD COLUMN album_count INTEGER NOT NULL DEFAULT 0;
INSERT INTO artist_roles (artist_id, role, track_count)
SELECT c.artist_id, c.role, count(DISTINCT c.track_id) FROM track_artists c JOIN tracks t ON t.id = c.track_id
WHERE t.missing_since IS NULL GROUP BY 1, 2;
INSERT INTO album_genres (album_id, genre_id, track_count)
SELECT t.album_id, g.genre_id, count(*) FROM track_genres g JOIN tracks t ON t.id = g.track_id
WHERE t.missing_since IS NULL AND t.album_id IS NOT NULL GROUP BY 1, 2;
UPDATE genres SET sort_name = normalised_name, track_count = (SELECT count(*) FROM track_genres g
    JOIN tracks t ON t.id = g.track_id WHERE g.genre_id = genres.id AND t.missing_since IS NULL),
    album_count = (SELECT count(*) FROM album_genres g WHERE g.genre_id = genres.id);

-- New credits and genres are counted in library/catalogue/counts.py, those of a batch together: a trigger for each took
-- ten times as long.
CREATE TRIGGER credit_removed AFTER DELETE ON track_artists
WHEN NOT EXISTS (SELECT 1 FROM track_artists c WHERE c.track_id = OLD.track_id AND c.artist_id = OLD.artist_id
                 AND c.role = OLD.role)
BEGIN
    UPDATE artist_roles SET track_count = track_count - 1 WHERE artist_id = OLD.artist_id AND role = OLD.role
    AND EXISTS (SELECT 1 FROM tracks WHERE id = OLD.track_id AND missing_since IS NULL);
    DELETE FROM artist_roles WHERE artist_id = OLD.artist_id AND role = OLD.role AND track_count = 0;
END;
CREATE TRIGGER credit_moved AFTER UPDATE OF artist_id ON track_artists
WHEN OLD.artist_id <> NEW.artist_id
BEGIN
    UPDATE artist_roles SET track_count = track_count - 1 WHERE artist_id = OLD.artist_id AND role = OLD.role
    AND EXISTS (SELECT 1 FROM tracks WHERE id = OLD.track_id AND missing_since IS NULL)
    AND NOT EXISTS (SELECT 1 FROM track_artists c WHERE c.track_id = OLD.track_id AND c.artist_id = OLD.artist_id
                    AND c.role = OLD.role);
    DELETE FROM artist_roles WHERE artist_id = OLD.artist_id AND role = OLD.role AND track_count = 0;
    INSERT INTO artist_roles (artist_id, role, track_count)
    SELECT NEW.artist_id, NEW.role, 1 FROM tracks WHERE id = NEW.track_id AND missing_since IS NULL
    AND NOT EXISTS (SELECT 1 FROM track_artists c WHERE c.track_id = NEW.track_id AND c.artist_id = NEW.artist_id
                    AND c.role = NEW.role AND c.position <> NEW.position)
    ON CONFLICT (artist_id, role) DO UPDATE SET track_count = track_count + 1;
END;

CREATE TRIGGER album_genre_added AFTER INSERT ON album_genres BEGIN
    UPDATE genres SET album_count = album_count + 1 WHERE id = NEW.genre_id;
END;
CREATE TRIGGER album_genre_removed AFTER DELETE ON album_genres BEGIN
    UPDATE genres SET album_count = album_count - 1 WHERE id = OLD.genre_id;
END;
CREATE TRIGGER genre_removed AFTER DELETE ON track_genres BEGIN
    UPDATE genres SET track_count = track_count - 1 WHERE id = OLD.genre_id
    AND EXISTS (SELECT 1 FROM tracks WHERE id = OLD.track_id AND missing_since IS NULL);
    UPDATE album_genres SET track_count = track_count - 1 WHERE genre_id = OLD.genre_id
    AND album_id = (SELECT album_id FROM tracks WHERE id = OLD.track_id AND missing_since IS NULL);
    DELETE FROM album_genres WHERE genre_id = OLD.genre_id AND track_count = 0
    AND album_id = (SELECT album_id FROM tracks WHERE id = OLD.track_id);
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
-- While the track is there, the triggers above see whether it was missing. A cascade would come too late.
CREATE TRIGGER track_deleted BEFORE DELETE ON tracks BEGIN
    DELETE FROM track_artists WHERE track_id = OLD.id;
    DELETE FROM track_genres WHERE track_id = OLD.id;
END;
