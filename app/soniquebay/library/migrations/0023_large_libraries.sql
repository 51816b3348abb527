-- How many tracks below a folder are missing: the number of those that are there follows from the index of all paths.
CREATE INDEX tracks_missing_path ON tracks (path) WHERE missing_since IS NOT NULL;

-- How many tracks that are not missing spell a genre so. A genre has the name that most of them give it: to count them each time
-- took as long as the genre is large. All is counted by triggers, so a release that knows nothing of it keeps the numbers right.
CREATE TABLE genre_spellings (
    genre_id    INTEGER NOT NULL REFERENCES genres (id) ON DELETE CASCADE,
    name        TEXT NOT NULL,
    track_count INTEGER NOT NULL,
    PRIMARY KEY (genre_id, name)
) STRICT, WITHOUT ROWID;
INSERT INTO genre_spellings (genre_id, name, track_count)
SELECT g.genre_id, g.name, count(t.id) FROM track_genres g
LEFT JOIN tracks t ON t.id = g.track_id AND t.missing_since IS NULL GROUP BY 1, 2;
CREATE TRIGGER spelling_added AFTER INSERT ON track_genres BEGIN
    INSERT INTO genre_spellings (genre_id, name, track_count)
    SELECT NEW.genre_id, NEW.name, count(*) FROM tracks WHERE id = NEW.track_id AND missing_since IS NULL
    ON CONFLICT (genre_id, name) DO UPDATE SET track_count = track_count + excluded.track_count;
END;
CREATE TRIGGER spelling_removed AFTER DELETE ON track_genres BEGIN
    UPDATE genre_spellings SET track_count = track_count - 1 WHERE genre_id = OLD.genre_id AND name = OLD.name
    AND EXISTS (SELECT 1 FROM tracks WHERE id = OLD.track_id AND missing_since IS NULL);
    DELETE FROM genre_spellings WHERE genre_id = OLD.genre_id AND name = OLD.name AND track_count = 0
    AND NOT EXISTS (SELECT 1 FROM track_genres g WHERE g.genre_id = OLD.genre_id AND g.name = OLD.name);
END;
CREATE TRIGGER spelling_presence AFTER UPDATE OF missing_since ON tracks
WHEN (OLD.missing_since IS NULL) <> (NEW.missing_since IS NULL)
BEGIN
    UPDATE genre_spellings SET track_count = track_count + iif(NEW.missing_since IS NULL, 1, -1)
    FROM (SELECT genre_id AS genre, name AS spelling FROM track_genres WHERE track_id = NEW.id)
    WHERE genre_id = genre AND name = spelling;
END;
