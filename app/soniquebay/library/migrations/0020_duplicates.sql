-- By which two files of one recording are recognised (audio/acoustic_fingerprint.py). Not in `vectors`, which is read more often.
CREATE TABLE acoustic_fingerprints (
    track_id    INTEGER PRIMARY KEY REFERENCES tracks (id) ON DELETE CASCADE,
    data        BLOB NOT NULL
) STRICT;
-- Tracks that sound like one recording, as the worker found them (library/duplicates.py); those in a group alone.
CREATE TABLE duplicates (
    track_id    INTEGER PRIMARY KEY REFERENCES tracks (id) ON DELETE CASCADE,
    recording   INTEGER NOT NULL        -- the number of the group: the smallest id of a track that was in it
) STRICT;
CREATE INDEX duplicates_by_recording ON duplicates (recording);
-- What the groups were made from. The library is compared again when vectors were stored since, or the rules changed.
CREATE TABLE duplicate_state (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    stored      INTEGER NOT NULL,       -- vectors that were ever stored
    compared    INTEGER NOT NULL,       -- how many of them there were when the library was compared last
    feature_version INTEGER NOT NULL,   -- of the vectors that were compared
    rules_version INTEGER NOT NULL      -- of library/similarity/recordings.py
) STRICT;
INSERT INTO duplicate_state (id, stored, compared, feature_version, rules_version) VALUES (1, 0, 0, 0, 0);
