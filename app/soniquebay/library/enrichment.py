"""Lookups in MusicBrainz and the Cover Art Archive: which are due, what was found, and when each is repeated.

The database says which lookups are due. The queue holds those of one task per service at a time, and none while that
service is down.
"""

import json
import math
import sqlite3
from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict  # Pydantic reads these classes, and needs this one below Python 3.12

from soniquebay.library import genres
from soniquebay.library.catalogue.names import UNKNOWN_ARTIST, VARIOUS_ARTISTS_MBID
from soniquebay.library.catalogue.sort_keys import choose_sort_names

Service = Literal["musicbrainz", "coverart"]

MAX_LOOKUPS_PER_TASK = 20  # at one request a second
LEASE_SECONDS = 300.0  # a task that reports nothing for this long is lost; longer than the task itself may run
MIN_BACKOFF_SECONDS, MAX_BACKOFF_SECONDS = 60.0, 2 * 3600.0  # doubled with each failure in a row
MAX_RETRY_AFTER_SECONDS = 24 * 3600.0  # of a service that asks for more than our own back-off
_DAY_SECONDS = 86400.0
FACTS_VALID_SECONDS = 90 * _DAY_SECONDS
NOT_FOUND_VALID_SECONDS = 30 * _DAY_SECONDS
POSTPONED_SECONDS = _DAY_SECONDS  # after an unusable answer


class Lookup(TypedDict):
    """One lookup.

    `artist` and `release` have an `mbid`. `search` finds the release of an album by names and number of tracks. `cover`
    finds the cover of a release, or of its release group, for an album.
    """

    kind: Literal["artist", "release", "search", "cover"]
    mbid: NotRequired[str | None]
    artist: NotRequired[str]
    normalised_artist: NotRequired[str]
    artist_mbid: NotRequired[str | None]
    title: NotRequired[str]
    normalised_album: NotRequired[str]
    tracks: NotRequired[int]
    album_id: NotRequired[int]
    group_mbid: NotRequired[str | None]


class ArtistFacts(TypedDict):
    """Facts about an artist."""

    name: str
    sort_name: str | None
    type: str | None
    country: str | None
    genres: list[str]


class ReleaseFacts(TypedDict):
    """Facts about a release; `date` is ``YYYY``, ``YYYY-MM`` or ``YYYY-MM-DD``."""

    name: str
    group_mbid: str | None
    type: str | None
    date: str | None
    label: str | None
    genres: list[str]


def next_lookups(db: sqlite3.Connection, service: Service, now: float) -> list[Lookup]:
    """Return the lookups of the next task for a service; none while a lease runs or during a back-off.

    After a failure that is a single lookup, to find out whether the service is up again.
    """
    state = db.execute("SELECT * FROM online_services WHERE name = ?", (service,)).fetchone()
    # A machine without a battery-backed clock may have written these times while its clock was wrong.
    if now < state["leased_until"] <= now + LEASE_SECONDS or now < state["retry_at"] <= now + MAX_RETRY_AFTER_SECONDS:
        return []
    return due_lookups(db, service, now, 1 if state["failures"] else MAX_LOOKUPS_PER_TASK)


def lease_lookups(db: sqlite3.Connection, service: Service, now: float) -> None:
    """Record that a task works on the lookups of a service."""
    db.execute("UPDATE online_services SET leased_until = ? WHERE name = ?", (now + LEASE_SECONDS, service))


def due_lookups(db: sqlite3.Connection, service: Service, now: float, limit: int) -> list[Lookup]:
    """Return up to `limit` lookups that were never made, or whose result has expired."""
    lookups: list[Lookup] = []
    for sql in _DUE[service]:
        lookups += [_lookup(row) for row in db.execute(sql, _parameters(now, limit - len(lookups)))]
    return lookups


def _lookup(row: sqlite3.Row) -> Lookup:
    lookup: Any = dict(row)
    return lookup  # type: ignore[no-any-return]


_DUE_RELEASES = """
SELECT DISTINCT 'release' AS kind, r.mbid FROM album_releases r LEFT JOIN mb_releases m ON m.mbid = r.mbid
WHERE r.mbid IS NOT NULL AND coalesce(m.expires_at, 0) NOT BETWEEN :soon AND :latest LIMIT :limit
"""
# Not during a scan: the number of tracks decides whether a release matches, and the scan may still change it.
_DUE_SEARCHES = """
SELECT 'search' AS kind, o.name AS artist, o.normalised_name AS normalised_artist, o.mbid AS artist_mbid, b.title,
       b.normalised_title AS normalised_album, b.tracks
FROM (SELECT id, title, normalised_title, artist_id,
             (SELECT count(*) FROM tracks t WHERE t.album_id = albums.id)
             - (SELECT count(*) FROM tracks t WHERE t.album_id = albums.id AND t.superseded = 1) AS tracks
      FROM albums WHERE mbid IS NULL) b
JOIN artists o ON o.id = b.artist_id
LEFT JOIN mb_searches s ON s.normalised_artist = o.normalised_name AND s.normalised_album = b.normalised_title
     AND s.tracks = b.tracks
WHERE o.name <> :unknown AND b.tracks > 0 AND coalesce(s.expires_at, 0) NOT BETWEEN :soon AND :latest
  AND NOT EXISTS (SELECT 1 FROM scan_sessions WHERE status = 'running')
LIMIT :limit
"""
_DUE_ARTISTS = """
SELECT 'artist' AS kind, a.mbid FROM artists a LEFT JOIN mb_artists m ON m.mbid = a.mbid
WHERE a.mbid IS NOT NULL AND a.mbid <> :various AND coalesce(m.expires_at, 0) NOT BETWEEN :soon AND :latest LIMIT :limit
"""
# Only once the files have been searched for a cover, and the release, which names its group, is known.
_DUE_COVERS = """
SELECT 'cover' AS kind, b.id AS album_id, r.mbid, m.group_mbid
FROM albums b JOIN album_releases r ON r.album_id = b.id JOIN mb_releases m ON m.mbid = r.mbid
LEFT JOIN caa_misses c ON c.mbid = r.mbid
WHERE b.cover_sha256 IS NULL AND b.cover_checked = 1 AND m.name IS NOT NULL
  AND coalesce(c.expires_at, 0) NOT BETWEEN :soon AND :latest
LIMIT :limit
"""
_DUE: dict[Service, tuple[str, ...]] = {
    "musicbrainz": (_DUE_RELEASES, _DUE_SEARCHES, _DUE_ARTISTS),
    "coverart": (_DUE_COVERS,),
}


def store_facts(db: sqlite3.Connection, lookup: Lookup, facts: ArtistFacts | ReleaseFacts | None, now: float) -> None:
    """Store the facts of an artist or a release; without new ones the old ones stay."""
    if facts is None:
        postpone(db, lookup, now + NOT_FOUND_VALID_SECONDS)
        return
    table, columns = _FACTS_TABLES[lookup["kind"]]
    names = ("mbid", *columns, "genres", "expires_at")
    values = (
        lookup["mbid"],
        *(facts[column] for column in columns),  # type: ignore[literal-required]
        json.dumps(facts["genres"]),
        now + FACTS_VALID_SECONDS,
    )
    db.execute(f"INSERT OR REPLACE INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})", values)
    where = (
        "artist_id IN (SELECT id FROM artists WHERE mbid = ?)"
        if lookup["kind"] == "artist"
        else "album_id IN (SELECT album_id FROM album_releases WHERE mbid = ?)"
    )
    tracks = db.execute(f"SELECT id FROM tracks WHERE {where}", (lookup["mbid"],))
    genres.fill_from_musicbrainz(db, [row["id"] for row in tracks])
    if lookup["kind"] == "artist":
        rows = db.execute("SELECT normalised_name FROM artists WHERE mbid = ?", (lookup["mbid"],))
        choose_sort_names(db, [row["normalised_name"] for row in rows])


_FACTS_TABLES = {
    "artist": ("mb_artists", ("name", "sort_name", "type", "country")),
    "release": ("mb_releases", ("name", "group_mbid", "type", "date", "label")),
}


def store_search_result(db: sqlite3.Connection, lookup: Lookup, mbid: str | None, now: float) -> None:
    """Store which release an album is; None if no single release matches."""
    expires = now + (FACTS_VALID_SECONDS if mbid else NOT_FOUND_VALID_SECONDS)
    db.execute(
        "INSERT OR REPLACE INTO mb_searches (normalised_artist, normalised_album, tracks, mbid, expires_at) "
        "VALUES (?, ?, ?, ?, ?)",
        (lookup["normalised_artist"], lookup["normalised_album"], lookup["tracks"], mbid, expires),
    )


def postpone(db: sqlite3.Connection, lookup: Lookup, until: float) -> None:
    """Postpone a lookup until a time (Unix seconds); its earlier result is kept."""
    on_conflict = "DO UPDATE SET expires_at = excluded.expires_at"
    if lookup["kind"] == "search":
        db.execute(
            "INSERT INTO mb_searches (normalised_artist, normalised_album, tracks, expires_at) VALUES (?, ?, ?, ?) "
            f"ON CONFLICT (normalised_artist, normalised_album, tracks) {on_conflict}",
            (lookup["normalised_artist"], lookup["normalised_album"], lookup["tracks"], until),
        )
        return
    table = "caa_misses" if lookup["kind"] == "cover" else _FACTS_TABLES[lookup["kind"]][0]
    db.execute(
        f"INSERT INTO {table} (mbid, expires_at) VALUES (?, ?) ON CONFLICT (mbid) {on_conflict}",
        (lookup["mbid"], until),
    )


def mark_service_up(db: sqlite3.Connection, service: Service) -> bool:
    """Record that a service is up, and end its lease; return whether it was down before."""
    row = db.execute("SELECT failures FROM online_services WHERE name = ?", (service,)).fetchone()
    db.execute(
        "UPDATE online_services SET failures = 0, reason = NULL, retry_at = 0, leased_until = 0 WHERE name = ?",
        (service,),
    )
    return bool(row["failures"])


def mark_service_down(db: sqlite3.Connection, service: Service, reason: str, retry_after: float, now: float) -> int:
    """Record that a service is down, and begin its back-off; return the number of failures in a row.

    `retry_after`: the seconds that the service asks for; the back-off is at least as long (see `backoff_seconds`).
    """
    row = db.execute("SELECT failures FROM online_services WHERE name = ?", (service,)).fetchone()
    failures = int(row["failures"]) + 1
    db.execute(
        "UPDATE online_services SET failures = ?, reason = ?, retry_at = ?, leased_until = 0 WHERE name = ?",
        (failures, reason, now + backoff_seconds(failures, retry_after), service),
    )
    return failures


def backoff_seconds(failures: int, retry_after: float = 0.0) -> float:
    """Return the back-off after so many failures in a row: exponential, and at least `retry_after` seconds."""
    exponential: float = min(MIN_BACKOFF_SECONDS * 2 ** min(failures - 1, 20), MAX_BACKOFF_SECONDS)
    return max(exponential, min(retry_after, MAX_RETRY_AFTER_SECONDS))


def service_states(db: sqlite3.Connection) -> list[dict[str, Any]]:
    """Return for each service its name, its failures in a row and their reason, and `retry_at`.

    `retry_at` is the end of the back-off in Unix seconds; None while the service is up.
    """
    rows = db.execute("SELECT name, failures, reason, retry_at FROM online_services ORDER BY name").fetchall()
    return [{**row, "retry_at": row["retry_at"] or None} for row in rows]


def count_due(db: sqlite3.Connection, service: Service, now: float) -> int:
    """Return how many lookups of a service are due. It takes 0.4 s for 100,000 albums."""
    parameters = _parameters(now, -1)  # no limit
    return sum(db.execute(f"SELECT count(*) FROM ({sql})", parameters).fetchone()[0] for sql in _DUE[service])


def _parameters(now: float, limit: int) -> dict[str, Any]:
    # A result that is valid for longer than any may be was stored while the clock was wrong.
    return {
        "soon": math.nextafter(now, math.inf),
        "latest": now + FACTS_VALID_SECONDS,
        "limit": limit,
        "unknown": UNKNOWN_ARTIST,
        "various": VARIOUS_ARTISTS_MBID,
    }
