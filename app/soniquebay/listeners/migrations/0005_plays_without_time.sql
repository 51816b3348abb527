-- A play count that was taken over from tags has no time of the last play.
CREATE TABLE new_play_counts (
    item_id     INTEGER NOT NULL REFERENCES items,
    user_id     INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    kind        TEXT NOT NULL,
    play_count  INTEGER NOT NULL,
    last_played_at REAL,                   -- NULL: unknown
    PRIMARY KEY (item_id, user_id)
) STRICT, WITHOUT ROWID;
INSERT INTO new_play_counts SELECT item_id, user_id, kind, play_count, last_played_at FROM play_counts;
DROP TABLE play_counts;
ALTER TABLE new_play_counts RENAME TO play_counts;
CREATE INDEX play_counts_by_count ON play_counts (user_id, kind, play_count, item_id);
CREATE INDEX play_counts_by_time ON play_counts (user_id, kind, last_played_at, item_id);
