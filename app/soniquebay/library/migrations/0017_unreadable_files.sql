-- Files that hold no readable audio: one whose stamp has not changed is not read again (library/unreadable_files.py).
CREATE TABLE unreadable_files (
    path           TEXT PRIMARY KEY,
    size           INTEGER NOT NULL,
    mtime_ns       INTEGER NOT NULL,
    reader_version INTEGER NOT NULL,
    reason         TEXT NOT NULL
) STRICT, WITHOUT ROWID;
