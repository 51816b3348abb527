"""The tracks that a change of files touches: they are grouped anew.

These are all files with the same album title or release id, and the files in which a name is in doubt that has become
known, or is no longer.
"""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

from soniquebay.library.catalogue import state
from soniquebay.library.catalogue.albums import Track
from soniquebay.library.catalogue.interpret import TrackTags, interpret


class TouchedTracks:
    """The touched tracks of one update: first those whose files have changed, after `load` the others, too."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.tracks: dict[int, Track] = {}
        self.album_before: dict[int, int | None] = {}  # of each track in `tracks`
        self._db = db
        self._artist_joins = state.artist_joins(db)
        self._titles: set[str] = set()
        self._release_ids: set[str] = set()
        self._loose: set[int] = set()  # tracks without an album

    def add(self, track_id: int, track_tags: TrackTags, album_before: int | None) -> None:
        """Add a file; `album_before`: the album that its track belonged to."""
        self.tracks[track_id] = Track(track_id, track_tags)
        self.album_before[track_id] = album_before
        self._touch(track_id, track_tags.normalised_album)

    def remove(self, track_tags: TrackTags) -> None:
        """Touch what was grouped with a file that is no longer there."""
        if track_tags.normalised_album:
            self._titles.add(track_tags.normalised_album)
            self._release_ids.add(track_tags.album_mbid)

    def touch(self, titles: Iterable[str], track_ids: Iterable[int]) -> None:
        """Touch the files with these normalised album titles, and these tracks without an album."""
        self._titles.update(titles)
        self._loose.update(track_ids)

    def touch_dependants(self, normalised: str, mbids: set[str]) -> None:
        """Touch the tracks that have this name in doubt, and those of the artists of this name or with these ids."""
        rows = self._db.execute(
            "SELECT t.id, t.normalised_album FROM joined_names n JOIN tracks t ON t.id = n.track_id "
            "WHERE n.normalised_name = ? AND t.missing_since IS NULL",
            (normalised,),
        ).fetchall()
        # A name without an id is the artist with the only id of that name, so other ids may divide or join artists.
        if mbids:
            rows += self._db.execute(
                "WITH changed AS (SELECT id FROM artists INDEXED BY artists_normalised_name "
                "WHERE normalised_name = ?1 AND mbid IS NULL "
                "UNION SELECT id FROM artists WHERE mbid IN (SELECT value FROM json_each(?2))) "
                "SELECT DISTINCT t.id, t.normalised_album FROM tracks t WHERE t.missing_since IS NULL AND (t.id IN "
                "(SELECT c.track_id FROM changed a JOIN track_artists c ON c.artist_id = a.id) OR t.album_id IN "
                "(SELECT c.album_id FROM changed a JOIN album_artists c ON c.artist_id = a.id))",
                (normalised, json.dumps(sorted(mbids))),
            ).fetchall()
        for row in rows:
            self._touch(row["id"], row["normalised_album"])

    def _touch(self, track_id: int, normalised_album: str | None) -> None:
        if normalised_album:
            self._titles.add(normalised_album)
        else:
            self._loose.add(track_id)

    def load(self) -> None:
        """Load the other files of the touched titles, and of all titles that share a release id with them.

        Then load the touched tracks without an album.
        """
        loaded: set[str] = set()
        self._add_titles_of(self._release_ids)
        while self._titles - loaded:
            titles = self._titles - loaded
            loaded |= titles
            self._load("t.normalised_album IN (SELECT value FROM json_each(?))", sorted(titles))
            self._add_titles_of({t.tags.album_mbid for t in self.tracks.values() if t.tags.normalised_album in titles})
        self._load("t.id IN (SELECT value FROM json_each(?))", sorted(self._loose - self.tracks.keys()))

    def _add_titles_of(self, release_ids: set[str]) -> None:
        ids = sorted(release_ids - {""})
        self._titles |= {
            track.tags.normalised_album
            for track in self.tracks.values()
            if track.tags.normalised_album and track.tags.album_mbid in ids
        }
        self._titles |= {
            row["normalised_album"]
            for row in self._db.execute(
                "SELECT DISTINCT normalised_album FROM tracks WHERE album_mbid IN (SELECT value FROM json_each(?)) "
                "AND missing_since IS NULL AND normalised_album IS NOT NULL",
                (json.dumps(ids),),
            )
        }

    def _load(self, where: str, values: Sequence[Any]) -> None:
        rows = self._db.execute(
            f"SELECT t.id, t.path, t.album_id, f.tags FROM tracks t JOIN file_tags f ON f.track_id = t.id "
            f"WHERE {where} AND t.missing_since IS NULL",
            (json.dumps(values),),
        )
        for row in rows:
            if row["id"] not in self.album_before:
                self.tracks[row["id"]] = Track(
                    row["id"], interpret(json.loads(row["tags"]), row["path"], self._artist_joins)
                )
                self.album_before[row["id"]] = row["album_id"]
