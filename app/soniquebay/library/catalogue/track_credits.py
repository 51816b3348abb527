"""The credits of tracks, with the album and the year that the catalogue gives to each."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from soniquebay.library.catalogue.albums import Track
from soniquebay.library.catalogue.artists import Artists
from soniquebay.library.catalogue.counts import count_credits
from soniquebay.library.catalogue.credits import Credit, KnownIds, Name, resolve
from soniquebay.library.catalogue.dates import year_of
from soniquebay.library.catalogue.names import UNKNOWN_ARTIST, normalised_name
from soniquebay.library.catalogue.takeover import Takeover

CreditRow = tuple[str, int, int, str, str]  # role, position, artist id, name as credited, detail


@dataclass(slots=True)
class TrackCatalogue:
    """What the catalogue says of a track: columns of `tracks`, and its credits."""

    album_id: int | None
    year: int | None  # else that of the album
    artist_id: int
    credit: str  # as people see it
    credits: list[CreditRow]


class TrackCredits:
    """The credits of the tracks of one update: first `add` all, then write them."""

    def __init__(self, db: sqlite3.Connection, artists: Artists, known_ids: KnownIds, takeover: Takeover) -> None:
        self.results: dict[int, TrackCatalogue] = {}  # by track id
        self._db = db
        self._artists = artists
        self._known_ids = known_ids
        self._takeover = takeover

    def add(self, track: Track, album_id: int | None, album_year: int | None, album_artists: Sequence[Name]) -> None:
        """Find out whom a track credits; artists are created if necessary."""
        track_tags = track.tags
        credit = track_tags.artist or track_tags.album_artist
        names = self._resolve(credit, album_artists) if credit else [Name(UNKNOWN_ARTIST, "")]
        rows = self._rows("artist", "", names)
        for role, detail, other in track_tags.others:
            rows += self._rows(role, detail, self._resolve(other, album_artists), len(rows))
        year = year_of(track_tags.date or track_tags.original_date) or album_year
        self.results[track.id] = TrackCatalogue(
            album_id, year, rows[0][2], credit.text if credit else UNKNOWN_ARTIST, rows
        )

    def _resolve(self, credit: Credit, album_artists: Sequence[Name]) -> list[Name]:
        return resolve(credit, self._known_ids, frozenset(normalised_name(name.name) for name in album_artists))

    def _rows(self, role: str, detail: str, names: Iterable[Name], first: int = 0) -> list[CreditRow]:
        return [
            (role, position, self._artists.id_of(name), name.name, detail)
            for position, name in enumerate(names, start=first)
        ]

    def write_tracks(self, written: Collection[int]) -> set[int]:
        """Write the columns of the tracks that differ, but for those `written`; return the tracks with another text."""
        others = {i: result for i, result in self.results.items() if i not in written}
        changed = set()
        for row in self._db.execute(
            "SELECT t.id, t.album_id, t.artist_id, t.credit, t.year FROM json_each(?) j "
            "JOIN tracks t ON t.id = j.value",
            (json.dumps(list(others)),),
        ).fetchall():
            new = others[row["id"]]
            before = (row["album_id"], row["artist_id"], row["credit"])
            after = (new.album_id, new.artist_id, new.credit)
            if (*before, row["year"]) != (*after, new.year):
                self._db.execute(
                    "UPDATE tracks SET album_id = ?, artist_id = ?, credit = ?, year = ? WHERE id = ?",
                    (*after, new.year, row["id"]),
                )
            if before != after:
                changed.add(row["id"])
        return changed

    def write_credits(self, new: Collection[int]) -> set[int]:
        """Write the credits that differ, and return the tracks that have others now. The tracks `new` had none."""
        before: dict[int, list[CreditRow]] = defaultdict(list)
        for row in self._db.execute(
            "SELECT c.track_id, c.role, c.position, c.artist_id, c.name, c.detail FROM json_each(?) j "
            "JOIN track_artists c ON c.track_id = j.value ORDER BY c.track_id, c.position",
            (json.dumps([i for i in self.results if i not in new]),),
        ):
            before[row["track_id"]].append(tuple(row)[1:])
        changed = {i for i, result in self.results.items() if before.get(i, []) != result.credits}
        for track_id in changed & before.keys():
            new_ids = {
                (role, position): artist_id for role, position, artist_id, _, _ in self.results[track_id].credits
            }
            for role, position, artist_id, _, _ in before[track_id]:
                self._takeover.artist_moves.add(artist_id, new_ids.get((role, position)))
                self._takeover.lost_credit(artist_id)
        self._db.executemany("DELETE FROM track_artists WHERE track_id = ?", [(i,) for i in changed & before.keys()])
        self._db.executemany(
            "INSERT INTO track_artists (track_id, role, position, artist_id, name, detail) VALUES (?, ?, ?, ?, ?, ?)",
            [(i, *row) for i in changed for row in self.results[i].credits],
        )
        count_credits(self._db, changed)
        return changed
