-- The full-text index holds tokens that library/search/text.py makes, joined by spaces. So the tokenizer only splits: it
-- takes every character beyond ASCII as part of a word. `columnsize=0`: nothing is ranked by bm25.
DROP TABLE search;
CREATE VIRTUAL TABLE search_tracks USING fts5 (
    title, artist, album, genre, path, lyrics, tokenize = 'ascii', detail = column, columnsize = 0
);
CREATE VIRTUAL TABLE search_albums USING fts5 (title, artist, tokenize = 'ascii', detail = column, columnsize = 0);
CREATE VIRTUAL TABLE search_artists USING fts5 (name, tokenize = 'ascii', detail = column, columnsize = 0);
CREATE VIRTUAL TABLE search_genres USING fts5 (name, tokenize = 'ascii', detail = column, columnsize = 0);

-- Words of names, for questions with typing errors. A word whose last track is gone may stay.
CREATE TABLE search_words (
    word        TEXT PRIMARY KEY,
    reversed    TEXT NOT NULL              -- the word from its end
) STRICT, WITHOUT ROWID;
CREATE INDEX search_words_reversed ON search_words (reversed);

-- One row. Tracks with ids above next_id, up to last_id, are still to be indexed by the version's tokens.
CREATE TABLE search_state (
    version     INTEGER NOT NULL,          -- of the tokens, library/search/text.py
    next_id     INTEGER NOT NULL,
    last_id     INTEGER NOT NULL
) STRICT;
INSERT INTO search_state (version, next_id, last_id) VALUES (0, 0, 0);

CREATE TRIGGER album_deleted AFTER DELETE ON albums BEGIN
    DELETE FROM search_albums WHERE rowid = old.id;
END;
CREATE TRIGGER artist_deleted AFTER DELETE ON artists BEGIN
    DELETE FROM search_artists WHERE rowid = old.id;
END;
CREATE TRIGGER genre_deleted AFTER DELETE ON genres BEGIN
    DELETE FROM search_genres WHERE rowid = old.id;
END;
