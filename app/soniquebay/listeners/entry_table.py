"""Entries in an order, of a playlist or a queue: only what differs is written."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EntryTable:
    """A table of entries, with the column that says whose they are."""

    table: str
    owner_column: str

    def read(self, db: sqlite3.Connection, owner_id: int) -> list[int]:
        """Return the items of all entries, in their order."""
        rows = db.execute(
            f"SELECT item_id FROM {self.table} WHERE {self.owner_column} = ? ORDER BY position", (owner_id,)
        )
        return [row["item_id"] for row in rows]

    def write(self, db: sqlite3.Connection, owner_id: int, after: Sequence[int]) -> None:
        """Make these items the entries."""
        before = self.read(db, owner_id)
        same = next((n for n, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1]), None)
        first = min(len(before), len(after)) if same is None else same
        db.execute(f"DELETE FROM {self.table} WHERE {self.owner_column} = ? AND position >= ?", (owner_id, first))
        db.executemany(
            f"INSERT INTO {self.table} ({self.owner_column}, position, item_id) VALUES (?, ?, ?)",
            [(owner_id, position, item_id) for position, item_id in enumerate(after[first:], first)],
        )
