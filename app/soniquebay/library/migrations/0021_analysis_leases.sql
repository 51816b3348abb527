-- Which tracks workers on other machines analyse now. A track without a row is for whoever comes first.
CREATE TABLE analysis_leases (
    track_id    INTEGER PRIMARY KEY REFERENCES tracks ON DELETE CASCADE,
    worker      TEXT,                      -- its name; NULL: it was given back, and is for this machine alone
    leased_at   REAL NOT NULL              -- Unix time
) STRICT;
CREATE INDEX analysis_leases_by_worker ON analysis_leases (worker);
-- The result ends the lease, whoever has brought it.
CREATE TRIGGER vectors_end_lease AFTER INSERT ON vectors BEGIN
    DELETE FROM analysis_leases WHERE track_id = new.track_id;
END;
