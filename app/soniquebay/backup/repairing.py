"""Repairing a damaged database: what can be made anew is, and of the rest all rows that can be read are kept.

The damaged file is never changed, and stays under another name.
"""

import logging
import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from soniquebay import sqlite
from soniquebay.backup import BackupError, copying, keeping, manifest, quoted, tables_of
from soniquebay.backup.reading import read_rows
from soniquebay.database_note import DatabaseNote
from soniquebay.library.database import Database
from soniquebay.listeners.database import ListenersDatabase

log = logging.getLogger(__name__)

DAMAGED = ".damaged"
PARTIAL = ".repair.partial"
_PACKAGES = {"library.db": Database.PACKAGE, "listeners.db": ListenersDatabase.PACKAGE}
_MODES = {"library.db": 0o640, "listeners.db": 0o600}
_MIB = 1 << 20
# Have the API make the search index and the catalogue anew at its next start, as after an upgrade.
_REBUILD = "UPDATE search_state SET version = -1", "UPDATE catalogue_state SET rules_version = -1"


@dataclass(slots=True)
class Repair:
    """What became of a damaged database."""

    aside: Path
    """The damaged file, unchanged."""
    told: list[str] = field(default_factory=list)
    """What was done, and what is lost, each as a sentence."""


def repair(path: Path) -> Repair:
    """Replace a damaged database by a healthy one. Nobody may have it open.

    Raises `BackupError` when nothing of it can be read; then it stays as it was.
    """
    partial = path.with_name(f"{path.name}{PARTIAL}")
    _remove(partial)
    try:
        needed = 2 * path.stat().st_size + keeping.MIN_FREE_BYTES
        if keeping.free_bytes(path.parent) < needed:
            raise BackupError(f"the repair needs {needed // _MIB} MB of free space in {path.parent}")
        _copy_with_log(path, partial)
        told = _reindex(partial)
        if told is None:
            told = _copy_rows(partial, path.name)
        aside = manifest.free_name(path.parent, f"{path.name}{DAMAGED}")
        # With its log, which may hold what the file does not. Copies: until the rename below the damaged one is in use.
        _copy_with_log(path, path.with_name(aside))
        partial.chmod(_MODES[path.name])
        copying.sync(partial)
        copying.sync(path.parent)
        DatabaseNote(path).forget()  # it speaks of the log that goes now
        for suffix in ("-wal", "-shm"):
            path.with_name(f"{path.name}{suffix}").unlink(missing_ok=True)
        partial.replace(path)
        copying.sync(path.parent)
    except OSError as error:
        raise BackupError(f"{path} cannot be repaired: {error.strerror or error} ({error.filename})") from error
    finally:
        _remove(partial)
    return Repair(path.with_name(aside), told)


def _copy_with_log(source: Path, target: Path) -> None:
    for suffix in ("-wal", ""):
        if (file := source.with_name(f"{source.name}{suffix}")).exists():
            copy = target.with_name(f"{target.name}{suffix}")
            copy.touch(0o600)
            shutil.copyfile(file, copy)
            copying.sync(copy)


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal", ".rows", ".rows-journal"):
        path.with_name(f"{path.name}{suffix}").unlink(missing_ok=True)


def _reindex(path: Path) -> list[str] | None:
    """Make all indexes of a database anew; return what to tell, or None when that is not enough."""
    try:
        with copying.opened(path) as db:
            db.execute("PRAGMA journal_mode = DELETE")  # so that the file alone is the database
            for (table,) in db.execute("SELECT name FROM pragma_table_list WHERE type = 'virtual'").fetchall():
                db.execute(f"INSERT INTO {quoted(table)} ({quoted(table)}) VALUES ('rebuild')")
            db.execute("REINDEX")
            if copying.problems_in(db):
                return None
    except sqlite3.Error:
        return None
    return ["The indexes were made anew. No row is lost."]


def _copy_rows(path: Path, name: str) -> list[str]:
    """Replace a database by a new one with all rows that can be read; return what to tell."""
    rows = path.with_name(f"{path.name}.rows")
    try:
        with copying.opened(path) as source, closing(sqlite3.connect(rows, isolation_level=None)) as target:
            (version,) = source.execute("PRAGMA user_version").fetchone()
            source.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            scripts = sqlite.migrations(_PACKAGES[name])
            if not 0 < version <= len(scripts):
                raise BackupError(f"{name} has schema {version}, and this release knows up to {len(scripts)}")
            told = _fill(source, target, [*scripts[:version], f"PRAGMA user_version = {version}"])
            if name == "library.db" and version == len(scripts):
                for statement in _REBUILD:
                    target.execute(statement)
                told.append("The search index and the catalogue are made anew at the next start.")
            if problems := copying.problems_in(target):
                raise BackupError(f"{name} could not be repaired: {problems[0]} {_RESTORE}")
    except sqlite3.Error as error:
        raise BackupError(f"nothing of {name} can be read ({error}). {_RESTORE}") from error
    for suffix in ("-wal", "-shm"):
        path.with_name(f"{path.name}{suffix}").unlink(missing_ok=True)
    rows.replace(path)
    return told


_RESTORE = "It stays as it is; a backup brings it back: sudo soniquebay library restore"


def _fill(source: sqlite3.Connection, target: sqlite3.Connection, scripts: Iterable[str]) -> list[str]:
    target.execute("PRAGMA synchronous = OFF")  # it is synced as a whole, before it takes the place of the damaged one
    target.execute("PRAGMA foreign_keys = OFF")
    for script in scripts:
        target.executescript(script)
    triggers = target.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    for trigger, _ in triggers:
        target.execute(f"DROP TRIGGER {quoted(trigger)}")
    told: list[str] = []
    target.execute("BEGIN")
    for table in tables_of(target):
        told += _copy_table(source, target, table)
    told += _mend_references(target)
    _keep_numbers(source, target)
    target.execute("COMMIT")
    for _, sql in triggers:
        target.execute(sql)
    return told or ["All rows could be read. No row is lost."]


def _copy_table(source: sqlite3.Connection, target: sqlite3.Connection, table: str) -> list[str]:
    columns = [row[1] for row in target.execute(f"PRAGMA table_info({quoted(table)})")]
    names, places = ", ".join(map(quoted, columns)), ", ".join("?" * len(columns))
    target.execute(f"DELETE FROM {quoted(table)}")  # what a migration has put there
    told, refused = [], 0
    rows = read_rows(source, target, table, columns)
    for row in rows:
        try:
            done = target.execute(f"INSERT OR IGNORE INTO {quoted(table)} ({names}) VALUES ({places})", row)
            refused += done.rowcount == 0
        except sqlite3.Error:  # damaged values, which the table does not accept
            refused += 1
    if rows.problem:
        told.append(f"{table}: {rows.problem}")
    if refused:
        told.append(f"{table}: {refused} damaged rows are lost.")
    return told


def _keep_numbers(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    """Have no id given again that a deleted row had."""
    try:
        numbers = source.execute("SELECT seq, name FROM sqlite_sequence").fetchall()
    except sqlite3.Error:
        return  # the highest ids of the rows that were read count
    for number, table in numbers:
        found = target.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (number, table))
        if not found.rowcount:
            target.execute("INSERT INTO sqlite_sequence (seq, name) VALUES (?, ?)", (number, table))


def _mend_references(db: sqlite3.Connection) -> list[str]:
    """Clear or delete what refers to lost rows, until nothing does; return what to tell."""
    cleared: dict[tuple[str, str], int] = {}
    deleted: dict[str, int] = {}
    changes = -1
    while db.total_changes != changes and (broken := db.execute("PRAGMA foreign_key_check").fetchall()):
        changes = db.total_changes
        for table, rowid, _, number in dict.fromkeys(broken):
            if rowid is None:  # a table without row ids: SQLite does not say which row
                deleted[table] = deleted.get(table, 0) + _delete_broken(db, table, number)
                continue
            columns = _columns_of_reference(db, table, number)
            optional = [c for c, not_null, key in _facts(db, table) if c in columns and not not_null and not key]
            if optional:
                db.execute(f"UPDATE {quoted(table)} SET {quoted(optional[0])} = NULL WHERE rowid = ?", (rowid,))
                cleared[table, optional[0]] = cleared.get((table, optional[0]), 0) + 1
            else:
                deleted[table] = (
                    deleted.get(table, 0)
                    + db.execute(f"DELETE FROM {quoted(table)} WHERE rowid = ?", (rowid,)).rowcount
                )
    return [
        *(f"{table}: {count} rows lost what they refer to by {column}." for (table, column), count in cleared.items()),
        *(f"{table}: {count} rows are lost, because what they refer to is." for table, count in deleted.items()),
    ]


def _facts(db: sqlite3.Connection, table: str) -> list[tuple[str, bool, bool]]:
    return [(row[1], bool(row[3]), bool(row[5])) for row in db.execute(f"PRAGMA table_info({quoted(table)})")]


def _columns_of_reference(db: sqlite3.Connection, table: str, number: int) -> list[str]:
    return [row[3] for row in db.execute(f"PRAGMA foreign_key_list({quoted(table)})") if row[0] == number]


def _delete_broken(db: sqlite3.Connection, table: str, number: int) -> int:
    """Delete the rows of a table whose reference leads nowhere; return how many."""
    parts = [row for row in db.execute(f"PRAGMA foreign_key_list({quoted(table)})") if row[0] == number]
    parent = parts[0][2]
    keys = [row[1] for row in db.execute(f"PRAGMA table_info({quoted(parent)})") if row[5]]
    pairs = [(part[3], part[4] or keys[part[1]]) for part in parts]
    same = " AND ".join(f"p.{quoted(to)} = t.{quoted(column)}" for column, to in pairs)
    is_set = " AND ".join(f"t.{quoted(column)} IS NOT NULL" for column, _ in pairs)
    return db.execute(
        f"DELETE FROM {quoted(table)} AS t WHERE {is_set} AND NOT EXISTS "
        f"(SELECT 1 FROM {quoted(parent)} p WHERE {same})"
    ).rowcount
