-- How loud each track is, or the reason why nobody knows (library/loudness.py).
CREATE TABLE loudness (
    track_id    INTEGER PRIMARY KEY REFERENCES tracks (id) ON DELETE CASCADE,
    integrated_lufs REAL,                  -- NULL for silence too
    power       REAL,                      -- the same as a factor, 10^(LUFS/10): not every SQLite has powers
    sample_peak REAL,                      -- 1 is full scale
    silence_start_seconds REAL,
    silence_end_seconds REAL,
    failure     TEXT,
    CHECK ((sample_peak IS NULL) <> (failure IS NULL))
) STRICT;
ALTER TABLE tracks ADD COLUMN measured INTEGER NOT NULL DEFAULT 0; -- has a row there; kept by these triggers
ALTER TABLE tracks ADD COLUMN states_gain INTEGER NOT NULL DEFAULT 0; -- its tags state the ReplayGain of the track
CREATE TRIGGER loudness_stored AFTER INSERT ON loudness BEGIN
    UPDATE tracks SET measured = 1 WHERE id = new.track_id;
END;
CREATE TRIGGER loudness_removed AFTER DELETE ON loudness BEGIN
    UPDATE tracks SET measured = 0 WHERE id = old.track_id;
END;
UPDATE tracks SET states_gain = 1 WHERE id IN (
    SELECT track_id FROM file_tags
    WHERE tags ->> '$.replaygain_track_gain' GLOB '*[0-9]*' OR tags ->> '$.r128_track_gain' GLOB '*[0-9]*'
);
CREATE INDEX tracks_to_measure ON tracks (states_gain) WHERE measured = 0 AND missing_since IS NULL;

ALTER TABLE vectors ADD COLUMN bpm_confidence REAL; -- from 0 to 1; NULL until the track is analysed again
