-- How many tracks below a folder are missing: the number of those that are there follows from the index of all paths.
CREATE INDEX tracks_missing_path ON tracks (path) WHERE missing_since IS NOT NULL;
