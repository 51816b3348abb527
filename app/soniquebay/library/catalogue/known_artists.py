"""Known artists: the names that files surely give to one artist, and the tracks that have other names in doubt."""

import sqlite3
from collections import Counter

from soniquebay.library.catalogue.artists import Artists
from soniquebay.library.catalogue.credits import names_in_doubt, sure_names
from soniquebay.library.catalogue.interpret import TrackTags


class KnownArtists:
    """The known artists of one update. First `add` and `remove` files, then `write_counts`."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._ids: dict[str, frozenset[str]] = {}
        self._changes: Counter[tuple[str, str]] = Counter()

    def ids_of(self, normalised: str) -> frozenset[str]:
        """Return the MusicBrainz ids that files give to a name, "" for none; empty when it is not known."""
        ids = self._ids.get(normalised)
        if ids is None:
            rows = self._db.execute("SELECT mbid FROM artist_names WHERE normalised_name = ?", (normalised,))
            ids = self._ids[normalised] = frozenset(row["mbid"] for row in rows)
        return ids

    def add(self, track_id: int, track_tags: TrackTags) -> None:
        """Count the names of a file, and note those that it has in doubt."""
        for name in sure_names_of(track_tags):
            self._changes[name] += 1
        if names := names_in_doubt_of(track_tags):
            self._db.executemany(
                "INSERT OR IGNORE INTO joined_names (normalised_name, track_id) VALUES (?, ?)",
                [(name, track_id) for name in names],
            )

    def remove(self, track_id: int, track_tags: TrackTags) -> None:
        """Take back what `add` did for a file."""
        for name in sure_names_of(track_tags):
            self._changes[name] -= 1
        if names_in_doubt_of(track_tags):
            self._db.execute("DELETE FROM joined_names WHERE track_id = ?", (track_id,))

    def write_counts(self, artists: Artists) -> list[tuple[str, set[str]]]:
        """Write how many files name each artist; return the normalised names that are newly known, or no longer.

        With each name come the MusicBrainz ids whose artists it may divide or join.
        """
        changed = []
        names_with_id = Counter(mbid for _, mbid in self._changes)
        for (normalised, mbid), change in self._changes.items():
            if not change:
                continue
            row = self._db.execute(
                "INSERT INTO artist_names (normalised_name, mbid, files) VALUES (?1, ?2, ?3) "
                "ON CONFLICT (normalised_name, mbid) DO UPDATE SET files = files + ?3 RETURNING files",
                (normalised, mbid, change),
            ).fetchone()
            if row["files"] == 0 or row["files"] == change:
                mbids = {*self.ids_of(normalised), mbid}
                if not row["files"]:
                    self._db.execute(
                        "DELETE FROM artist_names WHERE normalised_name = ? AND mbid = ?", (normalised, mbid)
                    )
                # The first id of a name only adds to the row of its artist, unless it is the id of another one, too.
                is_first_id = (
                    mbids <= {"", mbid} and row["files"] and names_with_id[mbid] == 1 and not artists.exists(mbid)
                )
                changed.append((normalised, set() if is_first_id else mbids - {""}))
                self._ids.pop(normalised, None)
        return changed


def sure_names_of(track_tags: TrackTags) -> frozenset[tuple[str, str]]:
    """Return the names that a file gives to artists and album artists for sure: normalised name and id."""
    names = sure_names(track_tags.artist) if track_tags.artist else frozenset()
    if track_tags.album_artist and track_tags.album_artist != track_tags.artist:
        names |= sure_names(track_tags.album_artist)
    return names


def names_in_doubt_of(track_tags: TrackTags) -> frozenset[str]:
    """Return the normalised names on which the credits of a file depend."""
    names = names_in_doubt(track_tags.artist) if track_tags.artist else frozenset()
    if track_tags.album_artist:
        names |= names_in_doubt(track_tags.album_artist)
    for _, _, credit in track_tags.others:
        names |= names_in_doubt(credit)
    return names
