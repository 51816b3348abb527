-- What a scan left out: a JSON list of objects with reason, files, folders and example (an encoded path).
ALTER TABLE scan_sessions ADD COLUMN left_out TEXT NOT NULL DEFAULT '[]';
-- 1: files whose stamp is unchanged are read again too.
ALTER TABLE scan_sessions ADD COLUMN full INTEGER NOT NULL DEFAULT 0;
