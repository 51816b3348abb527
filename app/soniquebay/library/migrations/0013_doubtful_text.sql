-- Whether some text of a file can hardly be in the code page that the file states.
ALTER TABLE file_tags ADD COLUMN doubtful_text INTEGER NOT NULL DEFAULT 0;
CREATE INDEX doubtful_texts ON file_tags (track_id) WHERE doubtful_text;
