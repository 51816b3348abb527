"""The rules by which the stored catalogue was made."""

import sqlite3

RULES_VERSION = 2  # increase it whenever `interpret`, `credits`, `albums` or `genres` give another result for some file


def artist_joins(db: sqlite3.Connection) -> frozenset[str]:
    """Return the joins at which the credits of this library are always split: the setting of the running API."""
    (joins,) = db.execute("SELECT artist_joins FROM catalogue_state").fetchone()
    return frozenset(joins.split())


def is_current(db: sqlite3.Connection, joins: frozenset[str]) -> bool:
    """Tell whether the rules of this release, with these joins, made the catalogue."""
    row = db.execute("SELECT rules_version, artist_joins FROM catalogue_state").fetchone()
    return bool(row["rules_version"] == RULES_VERSION and frozenset(row["artist_joins"].split()) == joins)


def set_current(db: sqlite3.Connection, joins: frozenset[str]) -> None:
    """Record that every file was interpreted by the rules of this release, with these joins."""
    db.execute(
        "UPDATE catalogue_state SET rules_version = ?, artist_joins = ?", (RULES_VERSION, " ".join(sorted(joins)))
    )
