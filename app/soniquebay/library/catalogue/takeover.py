"""Ids that are taken over: a new artist or album gets the id of an old one that everything has left for it.

So a corrected name keeps its id. An old artist or album whose id is not taken over is deleted once nothing names it.
"""

import sqlite3
from collections import Counter
from dataclasses import dataclass, field

from soniquebay.library.catalogue import artists as artist_rows
from soniquebay.library.catalogue.artists import Artists


@dataclass(slots=True)
class Moves:
    """How often something of an old artist or album has moved to another one."""

    counts: Counter[tuple[int, int]] = field(default_factory=Counter)

    def add(self, old: int | None, new: int | None) -> None:
        """Count a move, unless it is none."""
        if old is not None and new is not None and old != new:
            self.counts[old, new] += 1

    def old_ids(self) -> set[int]:
        """Return from where something has moved."""
        return {old for old, _ in self.counts}

    def target_of(self, old: int) -> int | None:
        """Return where most has moved."""
        targets = [(count, -new) for (source, new), count in self.counts.items() if source == old]
        return -max(targets)[1] if targets else None


class Takeover:
    """What artists and albums lose in one update; `artist_moves` and `album_moves` count what others got of it."""

    def __init__(self, db: sqlite3.Connection, since: float, artists: Artists) -> None:
        """`since`: the start of the session. Artists and albums added since may get older ids."""
        self.artist_moves, self.album_moves = Moves(), Moves()
        self._db = db
        self._since = since
        self._artists = artists
        self._artists_to_check: set[int] = set()
        self._albums_to_check: set[int] = set()

    def lost_credit(self, artist_id: int) -> None:
        """Note that an artist has lost a credit, perhaps the last one, and perhaps the one that decided on the name."""
        self._artists.lost_credit(artist_id)
        self._artists_to_check.add(artist_id)

    def lost_track(self, album_id: int) -> None:
        """Note that an album has lost a track, perhaps the last one."""
        self._albums_to_check.add(album_id)

    def settle_albums(self) -> set[int]:
        """Delete albums without tracks. One that all its tracks have left for a new album gives that one its id.

        Return the ids that were taken over.
        """
        taken_over = set()
        for old in sorted(self.album_moves.old_ids() | self._albums_to_check):
            for row in self._db.execute("SELECT artist_id FROM album_artists WHERE album_id = ?", (old,)):
                self.lost_credit(row["artist_id"])
            if self._db.execute("SELECT 1 FROM tracks WHERE album_id = ? LIMIT 1", (old,)).fetchone():
                continue
            new = self.album_moves.target_of(old)
            if new is not None and self._may_take_over("albums", old, new):
                self._db.execute("DELETE FROM album_artists WHERE album_id = ?", (old,))
                for table in ("album_artists", "tracks"):
                    self._db.execute(f"UPDATE {table} SET album_id = ? WHERE album_id = ?", (old, new))
                self._replace_row("albums", old, new)
                taken_over.add(old)
            else:
                self._db.execute("DELETE FROM albums WHERE id = ?", (old,))
        return taken_over

    def settle_artists(self) -> list[int]:
        """Delete artists whom nothing names. One whose credits have gone to a new artist gives that one its id.

        Return the ids that were taken over.
        """
        taken_over = []
        for old in sorted(self._artists_to_check):
            new = self.artist_moves.target_of(old)
            if new is not None and self._may_take_over("artists", old, new) and not self._is_named(old):
                for table in ("track_artists", "album_artists", "tracks", "albums"):
                    self._db.execute(f"UPDATE {table} SET artist_id = ? WHERE artist_id = ?", (old, new))
                self._replace_row("artists", old, new)
                taken_over.append(old)
        artist_rows.delete_unused(self._db, self._artists_to_check)
        return taken_over

    def _is_named(self, artist_id: int) -> bool:
        row = self._db.execute(
            "SELECT EXISTS (SELECT 1 FROM track_artists WHERE artist_id = ?1) "
            "OR EXISTS (SELECT 1 FROM album_artists WHERE artist_id = ?1)",
            (artist_id,),
        ).fetchone()
        return bool(row[0])

    def _may_take_over(self, table: str, old: int, new: int) -> bool:
        """Tell whether `new` was added in this session and `old` before it."""
        rows = self._db.execute(f"SELECT id, added_at FROM {table} WHERE id IN (?, ?)", (old, new)).fetchall()
        added = {row["id"]: row["added_at"] for row in rows}
        return old in added and new in added and added[old] < self._since <= added[new]

    def _replace_row(self, table: str, old: int, new: int) -> None:
        """Replace a row by a newer one, which gets the id of the old row and the time at which that was added."""
        row = dict(self._db.execute(f"SELECT * FROM {table} WHERE id = ?", (new,)).fetchone())
        self._db.execute(f"DELETE FROM {table} WHERE id = ?", (new,))
        columns = [name for name in row if name not in {"id", "added_at"}]
        self._db.execute(
            f"UPDATE {table} SET {', '.join(f'{name} = :{name}' for name in columns)} WHERE id = :old",
            {**row, "old": old},
        )
