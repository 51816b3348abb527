-- They come from the same decoded samples as the vector, and are computed anew with it.
ALTER TABLE vectors ADD COLUMN bpm REAL;  -- beats a minute, NULL where nothing beats
ALTER TABLE vectors ADD COLUMN key TEXT;  -- as 'A minor', NULL where there is none
-- After an upgrade those of an older version of the features are found without reading them all.
CREATE INDEX vectors_version ON vectors (version);
