"""Applying changes of files to the catalogue: artists, albums and credits follow from the files that are there.

The tracks that a change touches are grouped anew from what all of their files say. So the outcome is that of a first
scan of the same files, while the ids stay.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Collection, Iterable

from soniquebay.library.catalogue.album_rows import AlbumRows
from soniquebay.library.catalogue.albums import group
from soniquebay.library.catalogue.artists import Artists
from soniquebay.library.catalogue.dates import year_of
from soniquebay.library.catalogue.interpret import TrackTags
from soniquebay.library.catalogue.known_artists import KnownArtists
from soniquebay.library.catalogue.sort_keys import choose_sort_names, count_sort_names
from soniquebay.library.catalogue.takeover import Takeover
from soniquebay.library.catalogue.touched_tracks import TouchedTracks
from soniquebay.library.catalogue.track_credits import TrackCatalogue, TrackCredits


class Update:
    """One update, inside the caller's transaction.

    First `add` and `remove` files, then `catalogue` them. The caller writes the rows of the tracks, and calls `settle`.
    A caller that writes none calls `apply` instead of both.
    """

    def __init__(self, db: sqlite3.Connection, now: float, since: float) -> None:
        """`now`: Unix seconds. `since`: the start of the session. Artists and albums added since may get older ids."""
        self._db = db
        self._new: set[int] = set()
        self._removed: set[int] = set()
        self._sort_name_changes: Counter[tuple[str, str]] = Counter()
        self._touched = TouchedTracks(db)
        self._known_artists = KnownArtists(db)
        self._artists = Artists(db, now, self._known_artists.ids_of)
        self._takeover = Takeover(db, since, self._artists)
        self._albums = AlbumRows(db, now, self._artists, self._takeover)
        self._credits = TrackCredits(db, self._artists, self._known_artists.ids_of, self._takeover)

    def add(self, track_id: int, track_tags: TrackTags, *, is_new: bool, album_before: int | None = None) -> None:
        """Add a file; `album_before`: the album that its track belonged to."""
        if is_new:
            self._new.add(track_id)
        self._touched.add(track_id, track_tags, album_before)
        self._known_artists.add(track_id, track_tags)
        for pair in track_tags.sort_names:
            self._sort_name_changes[pair] += 1

    def remove(self, track_id: int, track_tags: TrackTags) -> None:
        """Remove a file that is no longer there, or as it was before it changed."""
        self._removed.add(track_id)
        self._touched.remove(track_tags)
        self._known_artists.remove(track_id, track_tags)
        for pair in track_tags.sort_names:
            self._sort_name_changes[pair] -= 1

    def touch(self, titles: Iterable[str], track_ids: Iterable[int]) -> None:
        """Have the files with these normalised album titles, and these tracks without an album, grouped anew."""
        self._touched.touch(titles, track_ids)

    def forget(self, track_ids: Iterable[int]) -> None:
        """Note whose albums and artists the caller is about to delete tracks of, with all that belongs to these."""
        for row in self._db.execute(
            "SELECT t.album_id, c.artist_id FROM json_each(?) j JOIN tracks t ON t.id = j.value "
            "JOIN track_artists c ON c.track_id = t.id",
            (json.dumps(list(track_ids)),),
        ):
            if row["album_id"] is not None:
                self._takeover.lost_track(row["album_id"])
            self._takeover.lost_credit(row["artist_id"])

    def catalogue(self) -> dict[int, TrackCatalogue]:
        """Write artists and albums; return what the catalogue says of each track that may have changed, by its id."""
        for normalised, mbids in self._known_artists.write_counts(self._artists):
            self._touched.touch_dependants(normalised, mbids)
        self._touched.load()
        tracks, album_before = self._touched.tracks.values(), self._touched.album_before
        for track in tracks:
            if track.tags.normalised_album is None:
                self._credits.add(track, None, None, ())
                before = album_before[track.id]
                if before is not None:
                    self._takeover.lost_track(before)
        albums = group((track for track in tracks if track.tags.normalised_album), self._known_artists.ids_of)
        for album, album_id in zip(albums, self._albums.ids_of(albums, album_before), strict=True):
            written_id = self._albums.write(album, album_id)
            album_year = year_of(album.date or album.original_date)
            for track in album.tracks:
                self._credits.add(track, written_id, album_year, album.artists)
                self._takeover.album_moves.add(album_before[track.id], written_id)
        return self._credits.results

    def settle(self, written: Collection[int]) -> set[int]:
        """Write credits, and delete what nothing names. Return the ids of the tracks whose texts have changed.

        `written`: the ids of the tracks whose rows the caller has written; the rows of all others are written here.
        """
        changed = self._credits.write_tracks(written) | self._credits.write_credits(self._new)
        taken_over = self._takeover.settle_albums()
        self._note_artists_of_removed()
        for artist_id in self._artists.write_names():
            changed |= self._ids("SELECT track_id FROM track_artists WHERE artist_id = ?", artist_id)
        self._choose_sort_names()
        for album_id in self._albums.changed | taken_over:
            changed |= self._ids("SELECT id FROM tracks WHERE album_id = ?", album_id)
        for artist_id in self._takeover.settle_artists():
            changed |= self._ids("SELECT track_id FROM track_artists WHERE artist_id = ?", artist_id)
        return changed

    def apply(self) -> set[int]:
        """`catalogue` and `settle`, for a caller that writes no rows of tracks in between."""
        self.catalogue()
        return self.settle(())

    def _choose_sort_names(self) -> None:
        names = count_sort_names(self._db, self._sort_name_changes) | self._artists.new_names
        if names:
            choose_sort_names(self._db, names)

    def _note_artists_of_removed(self) -> None:
        """Note the artists of files that are gone: their credits no longer decide on the spelling of names."""
        for row in self._db.execute(
            "WITH removed AS (SELECT value AS id FROM json_each(?)) "
            "SELECT c.artist_id FROM removed r JOIN track_artists c ON c.track_id = r.id UNION "
            "SELECT c.artist_id FROM removed r JOIN tracks t ON t.id = r.id "
            "JOIN album_artists c ON c.album_id = t.album_id",
            (json.dumps(list(self._removed)),),
        ):
            self._artists.lost_credit(row["artist_id"])

    def _ids(self, sql: str, value: int) -> set[int]:
        return {row[0] for row in self._db.execute(sql, (value,))}
