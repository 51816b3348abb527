-- What is no longer listed of an old session still counts (library/history.py).
ALTER TABLE scan_sessions ADD COLUMN forgotten_failures INTEGER NOT NULL DEFAULT 0;
