-- Where each track lies on the map of the library. A new layout is written beside the present one, which it replaces
-- once it is complete.
CREATE TABLE map_places (
    track_id    INTEGER NOT NULL REFERENCES tracks (id) ON DELETE CASCADE,
    layout      INTEGER NOT NULL,
    x           INTEGER NOT NULL CHECK (x BETWEEN 0 AND 65535),
    y           INTEGER NOT NULL CHECK (y BETWEEN 0 AND 65535),
    PRIMARY KEY (track_id, layout)
) STRICT, WITHOUT ROWID;
CREATE TABLE map_state (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    layout      INTEGER NOT NULL,          -- the one that is shown; 0 before there is one
    begun       INTEGER NOT NULL,          -- the last one that was begun
    feature_version INTEGER NOT NULL,      -- of the vectors that the shown one was made from
    algorithm_version INTEGER NOT NULL     -- of the module that made it
) STRICT;
INSERT INTO map_state (id, layout, begun, feature_version, algorithm_version) VALUES (1, 0, 0, 0, 0);
