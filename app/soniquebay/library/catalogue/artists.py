"""The rows of artists: one for each MusicBrainz id, and one for each name without an id."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable

from soniquebay.library.catalogue.credits import Name
from soniquebay.library.catalogue.names import (
    VARIOUS_ARTISTS,
    VARIOUS_ARTISTS_MBID,
    is_various_artists,
    normalised_name,
)
from soniquebay.library.catalogue.sort_keys import artist_sort_key


class Artists:
    """The artists of one update.

    A name without an id is the artist with the only id of that name; if there are several such artists, it is one of
    its own. So two people of one name stay two.
    """

    def __init__(self, db: sqlite3.Connection, now: float, known_ids: Callable[[str], frozenset[str]]) -> None:
        self._db = db
        self._now = now
        self._known_ids = known_ids
        self._ids: dict[Name, int] = {}
        self._names: dict[int, str] = {}
        self._to_rename: set[int] = set()
        self.new_names: set[str] = set()  # normalised names of artists that are new, or are spelt otherwise now

    def id_of(self, name: Name) -> int:
        """Return the id of an artist, who is created if necessary."""
        found = self._ids.get(name)
        if found is None:
            found = self._ids[name] = self._find_or_create(name)
            if self.name_of(found) != name.name:
                self._to_rename.add(found)
        return found

    def name_of(self, artist_id: int) -> str:
        """Return the name of an artist as it is stored now."""
        if artist_id not in self._names:
            row = self._db.execute("SELECT name FROM artists WHERE id = ?", (artist_id,)).fetchone()
            self._names[artist_id] = row["name"]
        return self._names[artist_id]

    def exists(self, mbid: str) -> bool:
        """Tell whether there is an artist with a MusicBrainz id."""
        return self._db.execute("SELECT 1 FROM artists WHERE mbid = ?", (mbid,)).fetchone() is not None

    def lost_credit(self, artist_id: int) -> None:
        """Note that a credit of an artist is gone, which may have decided on the spelling of the name."""
        self._to_rename.add(artist_id)

    def _find_or_create(self, name: Name) -> int:
        if is_various_artists(name.name):
            name = Name(VARIOUS_ARTISTS, VARIOUS_ARTISTS_MBID)
        normalised = normalised_name(name.name)
        ids = self._known_ids(normalised) - {""}
        mbid = name.mbid or (next(iter(ids)) if len(ids) == 1 else None)
        row = self._with_id(normalised, mbid, is_only_id=ids <= {mbid}) if mbid else self._without_id(normalised)
        if row is not None:
            self._names[int(row["id"])] = row["name"]
            return int(row["id"])
        cursor = self._db.execute(
            "INSERT INTO artists (name, normalised_name, mbid, added_at, sort_name) VALUES (?, ?, ?, ?, ?)",
            (name.name, normalised, mbid, self._now, artist_sort_key(name.name)),
        )
        self.new_names.add(normalised)
        self._names[int(cursor.lastrowid or 0)] = name.name
        return int(cursor.lastrowid or 0)

    def _with_id(self, normalised: str, mbid: str, *, is_only_id: bool) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._db.execute("SELECT id, name FROM artists WHERE mbid = ?", (mbid,)).fetchone()
        if row is None and is_only_id:
            row = self._named(normalised)
            if row is not None:
                self._db.execute("UPDATE artists SET mbid = ? WHERE id = ?", (mbid, row["id"]))
        return row

    def _without_id(self, normalised: str) -> sqlite3.Row | None:
        row = self._named(normalised)
        if row is None:
            # No file has the id of this artist any longer.
            row = self._db.execute(
                "SELECT id, name FROM artists a WHERE normalised_name = ? AND mbid IS NOT NULL "
                "AND NOT EXISTS (SELECT 1 FROM artist_names n WHERE n.mbid = a.mbid) ORDER BY id LIMIT 1",
                (normalised,),
            ).fetchone()
            if row is not None:
                self._db.execute("UPDATE artists SET mbid = NULL WHERE id = ?", (row["id"],))
        return row

    def _named(self, normalised: str) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._db.execute(
            # SQLite would take the index of the ids, which are unique: but most artists have none.
            "SELECT id, name FROM artists INDEXED BY artists_normalised_name "
            "WHERE normalised_name = ? AND mbid IS NULL",
            (normalised,),
        ).fetchone()
        return row

    def write_names(self) -> set[int]:
        """Give each artist the most frequent spelling of its credits; return the artists whose names have changed.

        Missing tracks do not count.

        Of equally frequent spellings it is the largest in Unicode's order, which prefers accents to plain letters and
        small letters to capitals.
        """
        renamed = set()
        for artist_id in self._to_rename:
            counts = Counter(
                {
                    row["name"]: row["credits"]
                    for row in self._db.execute(
                        "SELECT name, count(*) AS credits FROM (SELECT c.name FROM track_artists c "
                        "JOIN tracks t ON t.id = c.track_id WHERE c.artist_id = ?1 AND t.missing_since IS NULL "
                        "UNION ALL SELECT c.name FROM album_artists c WHERE c.artist_id = ?1 AND EXISTS (SELECT 1 "
                        "FROM tracks t WHERE t.album_id = c.album_id AND t.missing_since IS NULL)) GROUP BY name",
                        (artist_id,),
                    )
                }
            )
            if not counts:
                continue
            name = max(counts, key=lambda spelling: (counts[spelling], spelling))
            if name != self.name_of(artist_id):
                self._db.execute(
                    "UPDATE artists SET name = ?, normalised_name = ? WHERE id = ?",
                    (name, normalised_name(name), artist_id),
                )
                self._names[artist_id] = name
                self.new_names.add(normalised_name(name))
                renamed.add(artist_id)
        return renamed


def delete_unused(db: sqlite3.Connection, artist_ids: Iterable[int]) -> None:
    """Delete those of the artists whom neither a track nor an album names."""
    db.executemany(
        "DELETE FROM artists WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM track_artists WHERE artist_id = ?1) "
        "AND NOT EXISTS (SELECT 1 FROM album_artists WHERE artist_id = ?1) "
        "AND NOT EXISTS (SELECT 1 FROM tracks WHERE artist_id = ?1) "
        "AND NOT EXISTS (SELECT 1 FROM albums WHERE artist_id = ?1)",
        [(artist_id,) for artist_id in artist_ids],
    )
