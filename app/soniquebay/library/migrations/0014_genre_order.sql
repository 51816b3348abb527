-- The place of a genre among those of its track, from 0, in the order of the tag.
ALTER TABLE track_genres ADD COLUMN position INTEGER NOT NULL DEFAULT 0;
