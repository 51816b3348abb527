-- The fifty probabilities that the learned model gives a track, audio/sound_tags.py.
CREATE TABLE sound_tags (
    track_id    INTEGER PRIMARY KEY REFERENCES tracks (id) ON DELETE CASCADE,
    version     INTEGER NOT NULL,
    probabilities BLOB NOT NULL            -- little-endian float16
) STRICT;
-- After an upgrade those of another version are found without reading them all.
CREATE INDEX sound_tags_version ON sound_tags (version);
