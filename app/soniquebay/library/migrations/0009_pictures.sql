-- Whether the cover came from the album's files: then it goes with them. One from the internet stays.
ALTER TABLE albums ADD COLUMN cover_from_files INTEGER NOT NULL DEFAULT 0;
-- Tells whether the pictures embedded in an album's tracks differ, see audio/artwork.py. NULL without a picture, and
-- until the album was searched.
ALTER TABLE tracks ADD COLUMN picture_key INTEGER;

-- The pictures in each folder, so that a scan sees whether any was added, replaced or taken away.
CREATE TABLE folder_pictures (
    folder      TEXT PRIMARY KEY,          -- encoded, with a slash at its end: in the order of a walk
    stamp       INTEGER NOT NULL,          -- of the names, sizes and modification times of its pictures
    name_key    TEXT NOT NULL              -- of the folder's name, see library/artist_pictures.py
) STRICT, WITHOUT ROWID;
CREATE INDEX folder_pictures_name_key ON folder_pictures (name_key);

CREATE TABLE disc_covers (
    album_id    INTEGER NOT NULL REFERENCES albums (id) ON DELETE CASCADE,
    disc_no     INTEGER NOT NULL,
    sha256      TEXT NOT NULL,
    media_type  TEXT NOT NULL,
    PRIMARY KEY (album_id, disc_no)
) STRICT, WITHOUT ROWID;

-- Tracks that show a picture of their own: those without an album, and those of an album whose embedded pictures differ.
CREATE TABLE track_covers (
    track_id    INTEGER PRIMARY KEY REFERENCES tracks (id) ON DELETE CASCADE,
    sha256      TEXT,                      -- NULL without a picture
    media_type  TEXT,
    checked     INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX track_covers_unchecked ON track_covers (track_id) WHERE checked = 0;

-- Artists that may have a picture. It is searched as long as more changes are noted than were searched.
CREATE TABLE artist_pictures (
    artist_id   INTEGER PRIMARY KEY REFERENCES artists (id) ON DELETE CASCADE,
    sha256      TEXT,                      -- NULL without a picture
    media_type  TEXT,
    folder      TEXT,                      -- of the picture, as in folder_pictures
    changes     INTEGER NOT NULL DEFAULT 1,
    searched    INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX artist_pictures_unsearched ON artist_pictures (artist_id) WHERE searched < changes;
CREATE INDEX artist_pictures_folder ON artist_pictures (folder);

-- Any file of an album may hold its cover, so every file that goes, moves or changes has it searched again. For those
-- that come, library/covers.py does it: a trigger after each insert would more than double the cost of the insert.
DROP TRIGGER new_track_with_picture;
CREATE TRIGGER changed_track_of_album
AFTER UPDATE OF album_id, path, missing_since, retry_later, size, mtime_ns ON tracks
WHEN OLD.album_id IS NOT NEW.album_id OR OLD.path <> NEW.path OR OLD.retry_later > NEW.retry_later
  OR OLD.size <> NEW.size OR OLD.mtime_ns <> NEW.mtime_ns
  OR (OLD.missing_since IS NULL) <> (NEW.missing_since IS NULL) BEGIN
    UPDATE albums SET cover_checked = 0 WHERE id IN (OLD.album_id, NEW.album_id) AND cover_checked = 1;
    UPDATE track_covers SET checked = 0 WHERE track_id = NEW.id;
    INSERT INTO track_covers (track_id) SELECT NEW.id WHERE NEW.album_id IS NULL ON CONFLICT DO NOTHING;
END;

-- Albums without a cover are searched again, because more pictures count now. The others are when a scan sees the
-- pictures in their folders.
UPDATE albums SET cover_checked = 0 WHERE cover_sha256 IS NULL;
INSERT INTO track_covers (track_id) SELECT id FROM tracks WHERE album_id IS NULL;
