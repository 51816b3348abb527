-- Which vectors workers on other machines have brought that are not confirmed yet: none of the same worker that came later was
-- found right. Another vector of the track ends the row.
CREATE TABLE remote_vectors (
    number      INTEGER PRIMARY KEY AUTOINCREMENT, -- in the order in which they came
    track_id    INTEGER NOT NULL UNIQUE REFERENCES vectors (track_id) ON DELETE CASCADE,
    worker      TEXT NOT NULL,             -- its name
    is_sample   INTEGER NOT NULL           -- this machine analyses the track, too, and compares the vectors
) STRICT;
CREATE INDEX remote_vectors_by_worker ON remote_vectors (worker, number);
-- How many vectors each worker has brought since it joined, and which of them is the next sample.
CREATE TABLE remote_counts (
    worker      TEXT PRIMARY KEY,
    brought     INTEGER NOT NULL,
    next_sample INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
-- A lease, and a sample, is of the file as it was.
CREATE TRIGGER changed_file_ends_lease AFTER UPDATE OF size, mtime_ns, companion_stamp, start_seconds ON tracks
WHEN old.size <> new.size OR old.mtime_ns <> new.mtime_ns OR old.companion_stamp <> new.companion_stamp
    OR old.start_seconds <> new.start_seconds
BEGIN
    DELETE FROM analysis_leases WHERE track_id = new.id;
    DELETE FROM remote_vectors WHERE track_id = new.id;
END;
