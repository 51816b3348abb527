-- A drive may be pulled out between a scan and what follows it: that is tried again once a scan meets the file.
ALTER TABLE tracks ADD COLUMN away INTEGER NOT NULL DEFAULT 0; -- the file was not there when a task came for it
-- Until now such a file had no vector for good.
DELETE FROM vectors WHERE data IS NULL
    AND failure IN ('cannot be decoded: No such file or directory', 'cannot be decoded: Input/output error');
