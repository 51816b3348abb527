"""Backups of both databases, and what brings them back: making, keeping, restoring, checking, repairing."""

import sqlite3


class BackupError(Exception):
    """A backup cannot be made, restored or used. The text is a sentence for the owner."""


DATABASES = ("library.db", "listeners.db")
EXPORT = "listeners.json"
KEY = "device.key"
FILES = (*DATABASES, EXPORT, KEY)
"""The only names that a manifest may list."""


def quoted(name: str) -> str:
    """Return a name of a table or column as SQL has it."""
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def tables_of(db: sqlite3.Connection) -> list[str]:
    """Return the tables that hold rows of their own: no views, no search index, none of SQLite's."""
    rows = db.execute(
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite@_%' "
        "ESCAPE '@' ORDER BY name"
    )
    return [name for (name,) in rows]
