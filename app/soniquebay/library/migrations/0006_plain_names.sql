-- Columns say what they hold.
ALTER TABLE artists RENAME COLUMN key TO normalised_name;
ALTER TABLE albums RENAME COLUMN key TO normalised_title;
ALTER TABLE albums RENAME COLUMN cover TO cover_media_type;
ALTER TABLE albums RENAME COLUMN cover_hash TO cover_sha256;
ALTER TABLE albums RENAME COLUMN cover_done TO cover_checked;
ALTER TABLE tracks RENAME COLUMN identity TO fingerprint;
ALTER TABLE tracks RENAME COLUMN seen_in TO read_session_id;
ALTER TABLE tracks RENAME COLUMN away TO retry_later;
ALTER TABLE tracks RENAME COLUMN genres_done TO genres_cleaned;
ALTER TABLE vectors RENAME COLUMN key TO musical_key;
ALTER TABLE scan_sessions RENAME COLUMN moved_at TO heartbeat_at;
ALTER TABLE scan_sessions RENAME COLUMN scope TO folders;
ALTER TABLE scan_sessions RENAME COLUMN confirmed TO removal_confirmed;
ALTER TABLE scan_sessions RENAME COLUMN withheld TO protected;
ALTER TABLE mb_searches RENAME COLUMN artist_key TO normalised_artist;
ALTER TABLE mb_searches RENAME COLUMN album_key TO normalised_album;

DROP INDEX artists_key;
DROP INDEX albums_key;
DROP INDEX tracks_identity;
CREATE INDEX artists_normalised_name ON artists (normalised_name);
CREATE INDEX albums_normalised_title ON albums (artist_id, normalised_title);
CREATE INDEX tracks_fingerprint ON tracks (fingerprint);

-- MusicBrainz's genres for a track without a genre are given in one place, library/genres.py.
DROP TRIGGER new_track_without_genre;
DROP TRIGGER changed_track_without_genre;
