"""Applying changes of files to the catalogue: artists, albums and credits follow from the files that are there.

A change touches all files with the same album title or release id, and the files in which a name is in doubt that has
become known, or is no longer. Those are grouped anew from what all of them say. So the outcome is that of a first scan
of the same files, while the ids stay: an album keeps the id that most of its tracks had.
"""

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from soniquebay.library.catalogue import artists as artist_rows
from soniquebay.library.catalogue import state
from soniquebay.library.catalogue.albums import Album, Track, group
from soniquebay.library.catalogue.artists import Artists
from soniquebay.library.catalogue.counts import count_credits
from soniquebay.library.catalogue.credits import Credit, Name, names_in_doubt, resolve, sure_names
from soniquebay.library.catalogue.dates import year_of
from soniquebay.library.catalogue.interpret import TrackTags, interpret
from soniquebay.library.catalogue.names import UNKNOWN_ARTIST, normalised_name
from soniquebay.library.catalogue.sort_keys import choose_sort_names, count_sort_names, sort_key, sort_key_as_tagged

CreditRow = tuple[str, int, int, str, str]  # role, position, artist id, name as credited, detail


@dataclass(slots=True)
class TrackCatalogue:
    """What the catalogue says of a track: columns of `tracks`, and its credits."""

    album_id: int | None
    year: int | None  # else that of the album
    artist_id: int
    credit: str  # as people see it
    credits: list[CreditRow]


@dataclass(slots=True)
class _Moves:
    """How often something of an old artist or album has moved to another one."""

    counts: Counter[tuple[int, int]] = field(default_factory=Counter)

    def add(self, old: int | None, new: int | None) -> None:
        if old is not None and new is not None and old != new:
            self.counts[old, new] += 1

    def old_ids(self) -> set[int]:
        return {old for old, _ in self.counts}

    def target_of(self, old: int) -> int | None:
        """Return where most has moved."""
        targets = [(count, -new) for (source, new), count in self.counts.items() if source == old]
        return -max(targets)[1] if targets else None


class Update:
    """One update, inside the caller's transaction.

    First `add` and `remove` files, then `catalogue` them. The caller writes the rows of the tracks, and calls `settle`.
    """

    def __init__(self, db: sqlite3.Connection, now: float, since: float) -> None:
        """`now`: Unix seconds. `since`: the start of the session. Artists and albums added since may get older ids."""
        self._db = db
        self._artist_joins = state.artist_joins(db)
        self._now = now
        self._since = since
        self._tracks: dict[int, Track] = {}
        self._album_before: dict[int, int | None] = {}
        self._new: set[int] = set()
        self._removed: set[int] = set()
        self._name_changes: Counter[tuple[str, str]] = Counter()
        self._sort_name_changes: Counter[tuple[str, str]] = Counter()
        self._titles: set[str] = set()
        self._release_ids: set[str] = set()
        self._loose: set[int] = set()  # tracks without an album
        self._known: dict[str, frozenset[str]] = {}
        self._artists = Artists(db, now, self.known_ids)
        self._results: dict[int, TrackCatalogue] = {}
        self._artist_moves, self._album_moves = _Moves(), _Moves()
        self._artists_to_check: set[int] = set()
        self._albums_to_check: set[int] = set()
        self._albums_changed: set[int] = set()

    def known_ids(self, normalised: str) -> frozenset[str]:
        """Return the MusicBrainz ids that files give to a name, "" for none; empty when it is not known."""
        ids = self._known.get(normalised)
        if ids is None:
            rows = self._db.execute("SELECT mbid FROM artist_names WHERE normalised_name = ?", (normalised,))
            ids = self._known[normalised] = frozenset(row["mbid"] for row in rows)
        return ids

    # --- what has changed --------------------------------------------------------------------------------------------

    def add(self, track_id: int, track_tags: TrackTags, *, is_new: bool, album_before: int | None = None) -> None:
        """Add a file; `album_before`: the album that its track belonged to."""
        self._tracks[track_id] = Track(track_id, track_tags)
        self._album_before[track_id] = album_before
        if is_new:
            self._new.add(track_id)
        self._count_names(track_tags, 1)
        if names := names_in_doubt_of(track_tags):
            self._db.executemany(
                "INSERT OR IGNORE INTO joined_names (normalised_name, track_id) VALUES (?, ?)",
                [(name, track_id) for name in names],
            )
        self._touch(track_id, track_tags.normalised_album)

    def remove(self, track_id: int, track_tags: TrackTags) -> None:
        """Remove a file that is no longer there, or as it was before it changed."""
        self._removed.add(track_id)
        self._count_names(track_tags, -1)
        if names_in_doubt_of(track_tags):
            self._db.execute("DELETE FROM joined_names WHERE track_id = ?", (track_id,))
        if track_tags.normalised_album:
            self._titles.add(track_tags.normalised_album)
            self._release_ids.add(track_tags.album_mbid)

    def touch(self, titles: Iterable[str], track_ids: Iterable[int]) -> None:
        """Have the files with these normalised album titles, and these tracks without an album, grouped anew."""
        self._titles.update(titles)
        self._loose.update(track_ids)

    def forget(self, track_ids: Iterable[int]) -> None:
        """Note whose albums and artists the caller is about to delete tracks of, with all that belongs to these."""
        for row in self._db.execute(
            "SELECT t.album_id, c.artist_id FROM json_each(?) j JOIN tracks t ON t.id = j.value "
            "JOIN track_artists c ON c.track_id = t.id",
            (json.dumps(list(track_ids)),),
        ):
            if row["album_id"] is not None:
                self._albums_to_check.add(row["album_id"])
            self._artists_to_check.add(row["artist_id"])
            self._artists.lost_credit(row["artist_id"])

    def _touch(self, track_id: int, normalised_album: str | None) -> None:
        if normalised_album:
            self._titles.add(normalised_album)
        else:
            self._loose.add(track_id)

    def _count_names(self, track_tags: TrackTags, change: int) -> None:
        for name in sure_names_of(track_tags):
            self._name_changes[name] += change
        for pair in track_tags.sort_names:
            self._sort_name_changes[pair] += change

    # --- what follows ------------------------------------------------------------------------------------------------

    def catalogue(self) -> dict[int, TrackCatalogue]:
        """Write artists and albums; return what the catalogue says of each track that may have changed, by its id."""
        self._write_name_counts()
        self._load_titles()
        self._load_loose()
        tracks = self._tracks.values()
        for track in tracks:
            if track.tags.normalised_album is None:
                self._results[track.id] = self._track(track, None, None, ())
                album_before = self._album_before[track.id]
                if album_before is not None:
                    self._albums_to_check.add(album_before)
        albums = group((track for track in tracks if track.tags.normalised_album), self.known_ids)
        for album, album_id in zip(albums, self._ids_of(albums), strict=True):
            written_id = self._write_album(album, album_id)
            album_year = year_of(album.date or album.original_date)
            for track in album.tracks:
                self._results[track.id] = self._track(track, written_id, album_year, album.artists)
                self._album_moves.add(self._album_before[track.id], written_id)
        return self._results

    def _write_name_counts(self) -> None:
        """Write how many files name each artist; touch what depends on a name that is newly known, or no longer."""
        names_with_id = Counter(mbid for _, mbid in self._name_changes)
        for (normalised, mbid), change in self._name_changes.items():
            if not change:
                continue
            row = self._db.execute(
                "INSERT INTO artist_names (normalised_name, mbid, files) VALUES (?1, ?2, ?3) "
                "ON CONFLICT (normalised_name, mbid) DO UPDATE SET files = files + ?3 RETURNING files",
                (normalised, mbid, change),
            ).fetchone()
            if row["files"] == 0 or row["files"] == change:
                mbids = {*self.known_ids(normalised), mbid}
                if not row["files"]:
                    self._db.execute(
                        "DELETE FROM artist_names WHERE normalised_name = ? AND mbid = ?", (normalised, mbid)
                    )
                # The first id of a name only adds to the row of its artist, unless it is the id of another one, too.
                is_first_id = (
                    mbids <= {"", mbid} and row["files"] and names_with_id[mbid] == 1 and not self._artists.exists(mbid)
                )
                self._touch_dependants(normalised, set() if is_first_id else mbids - {""})
                self._known.pop(normalised, None)

    def _touch_dependants(self, normalised: str, mbids: set[str]) -> None:
        """Touch the tracks that have this name in doubt, and those of the artists of this name or with these ids."""
        rows = self._db.execute(
            "SELECT t.id, t.normalised_album FROM joined_names n JOIN tracks t ON t.id = n.track_id "
            "WHERE n.normalised_name = ? AND t.missing_since IS NULL",
            (normalised,),
        ).fetchall()
        # A name without an id is the artist with the only id of that name, so other ids may divide or join artists.
        if mbids:
            rows += self._db.execute(
                "WITH changed AS (SELECT id FROM artists WHERE normalised_name = ?1 AND mbid IS NULL "
                "UNION SELECT id FROM artists WHERE mbid IN (SELECT value FROM json_each(?2))) "
                "SELECT DISTINCT t.id, t.normalised_album FROM tracks t WHERE t.missing_since IS NULL AND (t.id IN "
                "(SELECT c.track_id FROM changed a JOIN track_artists c ON c.artist_id = a.id) OR t.album_id IN "
                "(SELECT c.album_id FROM changed a JOIN album_artists c ON c.artist_id = a.id))",
                (normalised, json.dumps(sorted(mbids))),
            ).fetchall()
        for row in rows:
            self._touch(row["id"], row["normalised_album"])

    def _load_titles(self) -> None:
        """Load the other files of the touched titles, and of all titles that share a release id with them."""
        loaded: set[str] = set()
        self._add_titles_of(self._release_ids)
        while self._titles - loaded:
            titles = self._titles - loaded
            loaded |= titles
            self._load("t.normalised_album IN (SELECT value FROM json_each(?))", sorted(titles))
            self._add_titles_of({t.tags.album_mbid for t in self._tracks.values() if t.tags.normalised_album in titles})

    def _add_titles_of(self, release_ids: set[str]) -> None:
        ids = sorted(release_ids - {""})
        self._titles |= {
            track.tags.normalised_album
            for track in self._tracks.values()
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

    def _load_loose(self) -> None:
        self._load("t.id IN (SELECT value FROM json_each(?))", sorted(self._loose - self._tracks.keys()))

    def _load(self, where: str, values: Sequence[Any]) -> None:
        rows = self._db.execute(
            f"SELECT t.id, t.path, t.album_id, f.tags FROM tracks t JOIN file_tags f ON f.track_id = t.id "
            f"WHERE {where} AND t.missing_since IS NULL",
            (json.dumps(values),),
        )
        for row in rows:
            if row["id"] not in self._album_before:
                self._tracks[row["id"]] = Track(
                    row["id"], interpret(json.loads(row["tags"]), row["path"], self._artist_joins)
                )
                self._album_before[row["id"]] = row["album_id"]

    def _track(
        self, track: Track, album_id: int | None, album_year: int | None, album_artists: Sequence[Name]
    ) -> TrackCatalogue:
        track_tags = track.tags
        credit = track_tags.artist or track_tags.album_artist
        names = self._resolve(credit, album_artists) if credit else [Name(UNKNOWN_ARTIST, "")]
        rows = self._credit_rows("artist", "", names)
        for role, detail, other in track_tags.others:
            rows += self._credit_rows(role, detail, self._resolve(other, album_artists), len(rows))
        year = year_of(track_tags.date or track_tags.original_date) or album_year
        return TrackCatalogue(album_id, year, rows[0][2], credit.text if credit else UNKNOWN_ARTIST, rows)

    def _resolve(self, credit: Credit, album_artists: Sequence[Name]) -> list[Name]:
        return resolve(credit, self.known_ids, frozenset(normalised_name(name.name) for name in album_artists))

    def _credit_rows(self, role: str, detail: str, names: Iterable[Name], first: int = 0) -> list[CreditRow]:
        return [
            (role, position, self._artists.id_of(name), name.name, detail)
            for position, name in enumerate(names, start=first)
        ]

    # --- albums ------------------------------------------------------------------------------------------------------

    def _ids_of(self, albums: Sequence[Album]) -> list[int | None]:
        """Return the id that each album keeps: that of most of its tracks, and None for a new album."""
        shares: Counter[tuple[int, int]] = Counter()
        for index, album in enumerate(albums):
            for track in album.tracks:
                before = self._album_before[track.id]
                if before is not None:
                    shares[index, before] += 1
        ids: list[int | None] = [None] * len(albums)
        in_use = self._albums_of_other_tracks({before for _, before in shares})
        for index, before in sorted(shares, key=lambda pair: (-shares[pair], pair[1], albums[pair[0]].title, pair[0])):
            if ids[index] is None and before not in ids and before not in in_use:
                ids[index] = before
        for index, album in enumerate(albums):
            if ids[index] is None:
                ids[index] = self._id_of_missing(album, {i for i in ids if i is not None})
        return ids

    def _albums_of_other_tracks(self, album_ids: set[int]) -> set[int]:
        """Return those of the albums that have tracks outside this update: a returning track once belonged to one."""
        rows = self._db.execute(
            "SELECT t.id, t.album_id FROM json_each(?) j JOIN tracks t ON t.album_id = j.value "
            "WHERE t.missing_since IS NULL",
            (json.dumps(sorted(album_ids)),),
        )
        return {row["album_id"] for row in rows if row["id"] not in self._tracks}

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

    def _write_album(self, album: Album, album_id: int | None) -> int:
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
                self._albums_changed.add(album_id)
            if [tuple(old) for old in before] == artists:
                return album_id
            self._albums_changed.add(album_id)
            for old, new in zip(before, artists, strict=False):
                self._artist_moves.add(old["artist_id"], new[1])
            for old in before:
                self._artists.lost_credit(old["artist_id"])
                self._artists_to_check.add(old["artist_id"])
            self._db.execute("DELETE FROM album_artists WHERE album_id = ?", (album_id,))
        self._db.executemany(
            "INSERT INTO album_artists (album_id, position, artist_id, name) VALUES (?, ?, ?, ?)",
            [(album_id, *artist) for artist in artists],
        )
        return album_id

    # --- after the rows of the tracks --------------------------------------------------------------------------------

    def settle(self, written: Collection[int]) -> set[int]:
        """Write credits, and delete what nothing names. Return the ids of the tracks whose texts have changed.

        `written`: the ids of the tracks whose rows the caller has written; the rows of all others are written here.
        """
        changed = self._write_tracks(written) | self._write_credits()
        self._keep_album_ids()
        self._note_artists_of_removed()
        for artist_id in self._artists.write_names():
            changed |= self._ids("SELECT track_id FROM track_artists WHERE artist_id = ?", artist_id)
        self._choose_sort_names()
        for album_id in self._albums_changed:
            changed |= self._ids("SELECT id FROM tracks WHERE album_id = ?", album_id)
        for artist_id in self._keep_artist_ids():
            changed |= self._ids("SELECT track_id FROM track_artists WHERE artist_id = ?", artist_id)
        return changed

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

    def _write_tracks(self, written: Collection[int]) -> set[int]:
        """Write the rows of the tracks whose files are as they were."""
        others = {i: result for i, result in self._results.items() if i not in written}
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

    def _write_credits(self) -> set[int]:
        """Write the credits that differ, and return the tracks that have others now."""
        before: dict[int, list[CreditRow]] = defaultdict(list)
        for row in self._db.execute(
            "SELECT c.track_id, c.role, c.position, c.artist_id, c.name, c.detail FROM json_each(?) j "
            "JOIN track_artists c ON c.track_id = j.value ORDER BY c.track_id, c.position",
            (json.dumps([i for i in self._results if i not in self._new]),),
        ):
            before[row["track_id"]].append(tuple(row)[1:])
        changed = {i for i, result in self._results.items() if before.get(i, []) != result.credits}
        for track_id in changed & before.keys():
            new_ids = {
                (role, position): artist_id for role, position, artist_id, _, _ in self._results[track_id].credits
            }
            for role, position, artist_id, _, _ in before[track_id]:
                self._artist_moves.add(artist_id, new_ids.get((role, position)))
                self._artists.lost_credit(artist_id)
                self._artists_to_check.add(artist_id)
        self._db.executemany("DELETE FROM track_artists WHERE track_id = ?", [(i,) for i in changed & before.keys()])
        self._db.executemany(
            "INSERT INTO track_artists (track_id, role, position, artist_id, name, detail) VALUES (?, ?, ?, ?, ?, ?)",
            [(i, *row) for i in changed for row in self._results[i].credits],
        )
        count_credits(self._db, changed)
        return changed

    def _keep_album_ids(self) -> None:
        """Delete albums without tracks. One that all its tracks have left for a new album gives that one its id."""
        for old in sorted(self._album_moves.old_ids() | self._albums_to_check):
            for artist_id in self._ids("SELECT artist_id FROM album_artists WHERE album_id = ?", old):
                self._artists.lost_credit(artist_id)
                self._artists_to_check.add(artist_id)
            if self._db.execute("SELECT 1 FROM tracks WHERE album_id = ? LIMIT 1", (old,)).fetchone():
                continue
            new = self._album_moves.target_of(old)
            if new is not None and self._may_take_over("albums", old, new):
                self._db.execute("DELETE FROM album_artists WHERE album_id = ?", (old,))
                for table in ("album_artists", "tracks"):
                    self._db.execute(f"UPDATE {table} SET album_id = ? WHERE album_id = ?", (old, new))
                self._replace_row("albums", old, new)
                self._albums_changed.add(old)
            else:
                self._db.execute("DELETE FROM albums WHERE id = ?", (old,))

    def _keep_artist_ids(self) -> list[int]:
        """Delete artists whom nothing names. One whose credits have gone to a new artist gives that one its id.

        Return the ids that were taken over.
        """
        taken_over = []
        for old in sorted(self._artists_to_check):
            new = self._artist_moves.target_of(old)
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
