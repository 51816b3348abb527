"""The rows of albums: which one each album of the files is, and what it says."""

import json
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence

from soniquebay.library.catalogue.albums import Album
from soniquebay.library.catalogue.artists import Artists
from soniquebay.library.catalogue.dates import year_of
from soniquebay.library.catalogue.names import normalised_name
from soniquebay.library.catalogue.sort_keys import sort_key, sort_key_as_tagged
from soniquebay.library.catalogue.takeover import Takeover


class AlbumRows:
    """The rows of the albums of one update; `changed` are the ids of those that say something else now."""

    def __init__(self, db: sqlite3.Connection, now: float, artists: Artists, takeover: Takeover) -> None:
        self.changed: set[int] = set()
        self._db = db
        self._now = now
        self._artists = artists
        self._takeover = takeover

    def ids_of(self, albums: Sequence[Album], album_before: Mapping[int, int | None]) -> list[int | None]:
        """Return the id that each album keeps: that of most of its tracks, and None for a new album.

        `album_before`: the album that each track of the update belonged to, by the id of the track.
        """
        shares: Counter[tuple[int, int]] = Counter()
        for index, album in enumerate(albums):
            for track in album.tracks:
                before = album_before[track.id]
                if before is not None:
                    shares[index, before] += 1
        ids: list[int | None] = [None] * len(albums)
        in_use = self._albums_of_other_tracks({before for _, before in shares}, album_before)
        for index, before in sorted(shares, key=lambda pair: (-shares[pair], pair[1], albums[pair[0]].title, pair[0])):
            if ids[index] is None and before not in ids and before not in in_use:
                ids[index] = before
        for index, album in enumerate(albums):
            if ids[index] is None:
                ids[index] = self._id_of_missing(album, {i for i in ids if i is not None})
        return ids

    def _albums_of_other_tracks(self, album_ids: set[int], album_before: Mapping[int, int | None]) -> set[int]:
        """Return those of the albums that have tracks outside this update: a returning track once belonged to one."""
        rows = self._db.execute(
            "SELECT t.id, t.album_id FROM json_each(?) j JOIN tracks t ON t.album_id = j.value "
            "WHERE t.missing_since IS NULL",
            (json.dumps(sorted(album_ids)),),
        )
        return {row["album_id"] for row in rows if row["id"] not in album_before}

    def _id_of_missing(self, album: Album, taken: set[int]) -> int | None:
        """Return the id of an album all of whose files are missing, and which is the same."""
        rows = self._db.execute(
            "SELECT b.id, b.mbid, a.name FROM albums b JOIN artists a ON a.id = b.artist_id "
            "WHERE b.normalised_title = ? AND NOT EXISTS "
            "(SELECT 1 FROM tracks t WHERE t.album_id = b.id AND t.missing_since IS NULL) ORDER BY b.id",
            (normalised_name(album.title),),
        ).fetchall()
        artist = normalised_name(album.artists[0].name)
        for row in rows:
            same_artist = normalised_name(row["name"]) == artist and not (row["mbid"] and album.mbid)
            if row["id"] not in taken and (same_artist or (album.mbid and row["mbid"] == album.mbid)):
                return int(row["id"])
        return None

    def write(self, album: Album, album_id: int | None) -> int:
        """Write an album with its artists where they differ; return its id, which is new for None."""
        artists = [(position, self._artists.id_of(name), name.name) for position, name in enumerate(album.artists)]
        artist_id = artists[0][1]
        values = {
            "title": album.title, "normalised_title": normalised_name(album.title), "artist_id": artist_id,
            "credit": album.credit, "year": year_of(album.date or album.original_date), "date": album.date,
            "original_date": album.original_date, "mbid": album.mbid,
            "release_group_mbid": album.release_group_mbid, "compilation": int(album.compilation),
            "sort_title": sort_key_as_tagged(album.sort_title) if album.sort_title else sort_key(album.title),
        }  # fmt: skip
        if album_id is None:
            columns = ", ".join(values)
            cursor = self._db.execute(
                f"INSERT INTO albums ({columns}, added_at) VALUES ({', '.join(f':{c}' for c in values)}, :now)",
                {**values, "now": self._now},
            )
            album_id = int(cursor.lastrowid or 0)
        else:
            row = self._db.execute(f"SELECT {', '.join(values)} FROM albums WHERE id = ?", (album_id,)).fetchone()
            before = self._db.execute(
                "SELECT position, artist_id, name FROM album_artists WHERE album_id = ? ORDER BY position", (album_id,)
            ).fetchall()
            if dict(row) != values:
                self._db.execute(
                    f"UPDATE albums SET {', '.join(f'{c} = :{c}' for c in values)} WHERE id = :id",
                    {**values, "id": album_id},
                )
                self.changed.add(album_id)
            if [tuple(old) for old in before] == artists:
                return album_id
            self.changed.add(album_id)
            for old, new in zip(before, artists, strict=False):
                self._takeover.artist_moves.add(old["artist_id"], new[1])
            for old in before:
                self._takeover.lost_credit(old["artist_id"])
            self._db.execute("DELETE FROM album_artists WHERE album_id = ?", (album_id,))
        self._db.executemany(
            "INSERT INTO album_artists (album_id, position, artist_id, name) VALUES (?, ?, ?, ?)",
            [(album_id, *artist) for artist in artists],
        )
        return album_id
