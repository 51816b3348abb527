"""What is to be asked of MusicBrainz and the Cover Art Archive, what they answered, and when they are asked again.

The work is in the rows: nothing is queued but one small window at a time, and while a service is away, nothing at all.
"""

import json
import sqlite3
from typing import Any, Literal, NotRequired  # Pydantic reads these, and needs it below Python 3.12

from typing_extensions import TypedDict

from soniquebay.library import genres
from soniquebay.library.identity import UNKNOWN_ARTIST, VARIOUS_ARTISTS_MBID

Service = Literal["musicbrainz", "coverart"]

WINDOW = 20  # look-ups of one task, at one a second
LEASE = 300.0  # seconds after which a window whose task says nothing is given up; above a task's own limit
FIRST_PAUSE, LONGEST_PAUSE = 60.0, 2 * 3600.0  # seconds that a service is left alone, doubled with each failure
LONGEST_RETRY_AFTER = 24 * 3600.0  # seconds; a service may ask for more than we would wait by ourselves
_DAY = 86400.0
KNOWN, MISSING, PUT_OFF = 90 * _DAY, 30 * _DAY, _DAY  # until the next look: at facts, at nothing, at trouble


class Item(TypedDict):
    """One thing to look up.

    `artist` and `release` by `mbid`; `search` for the release of an album by names, keys and number of tracks; `cover`
    of a release (and its group, if known) for an album.
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
    """What MusicBrainz says of an artist."""

    name: str
    sort_name: str | None
    type: str | None
    country: str | None
    genres: list[str]


class ReleaseFacts(TypedDict):
    """What MusicBrainz says of a release; `date` is a year, a month or a day."""

    name: str
    group_mbid: str | None
    type: str | None
    date: str | None
    label: str | None
    genres: list[str]


def next_window(db: sqlite3.Connection, service: Service, now: float) -> list[Item]:
    """Return the next look-ups of a service; none while some are leased, or before it may be asked again.

    After a failure it is one, to see whether the service is back.
    """
    state = db.execute("SELECT * FROM online_services WHERE name = ?", (service,)).fetchone()
    # A machine without a clock of its own may have been in another time when it wrote these.
    if now < state["leased_until"] <= now + LEASE or now < state["retry_at"] <= now + LONGEST_RETRY_AFTER:
        return []
    return due(db, service, now, 1 if state["failures"] else WINDOW)


def lease(db: sqlite3.Connection, service: Service, now: float) -> None:
    """Note that a task has a window of look-ups in hand."""
    db.execute("UPDATE online_services SET leased_until = ? WHERE name = ?", (now + LEASE, service))


def due(db: sqlite3.Connection, service: Service, now: float, limit: int) -> list[Item]:
    """Return look-ups whose time has come."""
    found: list[Item] = []
    for sql in _DUE[service]:
        found += [_item(row) for row in db.execute(sql, _values(now, limit - len(found)))]
    return found


def _item(row: sqlite3.Row) -> Item:
    item: Any = dict(row)
    return item  # type: ignore[no-any-return]


_RELEASES = """
SELECT DISTINCT 'release' AS kind, r.mbid FROM album_releases r LEFT JOIN mb_releases m ON m.mbid = r.mbid
WHERE r.mbid IS NOT NULL AND coalesce(m.expires_at, 0) <= :now LIMIT :limit
"""
# Not during a scan: the number of tracks is what makes the answer sure.
_SEARCHES = """
SELECT 'search' AS kind, o.name AS artist, o.normalised_name AS normalised_artist, o.mbid AS artist_mbid, b.title,
       b.normalised_title AS normalised_album, b.tracks
FROM (SELECT id, title, normalised_title, artist_id,
             (SELECT count(*) FROM tracks t WHERE t.album_id = albums.id) AS tracks
      FROM albums WHERE mbid IS NULL) b
JOIN artists o ON o.id = b.artist_id
LEFT JOIN mb_searches s ON s.normalised_artist = o.normalised_name AND s.normalised_album = b.normalised_title
     AND s.tracks = b.tracks
WHERE o.name <> :unknown AND b.tracks > 0 AND coalesce(s.expires_at, 0) <= :now
  AND NOT EXISTS (SELECT 1 FROM scan_sessions WHERE status = 'running')
LIMIT :limit
"""
_ARTISTS = """
SELECT 'artist' AS kind, a.mbid FROM artists a LEFT JOIN mb_artists m ON m.mbid = a.mbid
WHERE a.mbid IS NOT NULL AND a.mbid <> :various AND coalesce(m.expires_at, 0) <= :now LIMIT :limit
"""
# After the files were looked at, and the release, which names the group.
_COVERS = """
SELECT 'cover' AS kind, b.id AS album_id, r.mbid, m.group_mbid
FROM albums b JOIN album_releases r ON r.album_id = b.id JOIN mb_releases m ON m.mbid = r.mbid
LEFT JOIN caa_misses c ON c.mbid = r.mbid
WHERE b.cover_sha256 IS NULL AND b.cover_checked = 1 AND m.name IS NOT NULL AND coalesce(c.expires_at, 0) <= :now
LIMIT :limit
"""
_DUE: dict[Service, tuple[str, ...]] = {"musicbrainz": (_RELEASES, _SEARCHES, _ARTISTS), "coverart": (_COVERS,)}


def answered(db: sqlite3.Connection, item: Item, facts: ArtistFacts | ReleaseFacts | None, now: float) -> None:
    """Keep an artist's or a release's facts; without any, those of before stay."""
    if facts is None:
        postpone(db, item, now + MISSING)
        return
    table, columns = _TABLES[item["kind"]]
    names = ("mbid", *columns, "genres", "expires_at")
    values = (item["mbid"], *(facts[column] for column in columns), json.dumps(facts["genres"]), now + KNOWN)  # type: ignore[literal-required]
    db.execute(f"INSERT OR REPLACE INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})", values)
    where = (
        "artist_id IN (SELECT id FROM artists WHERE mbid = ?)"
        if item["kind"] == "artist"
        else "album_id IN (SELECT album_id FROM album_releases WHERE mbid = ?)"
    )
    genres.fill_from_musicbrainz(
        db, [row["id"] for row in db.execute(f"SELECT id FROM tracks WHERE {where}", (item["mbid"],))]
    )


_TABLES = {
    "artist": ("mb_artists", ("name", "sort_name", "type", "country")),
    "release": ("mb_releases", ("name", "group_mbid", "type", "date", "label")),
}


def searched(db: sqlite3.Connection, item: Item, mbid: str | None, now: float) -> None:
    """Keep which release an album is, or that none is surely it."""
    expires = now + (KNOWN if mbid else MISSING)
    db.execute(
        "INSERT OR REPLACE INTO mb_searches (normalised_artist, normalised_album, tracks, mbid, expires_at) "
        "VALUES (?, ?, ?, ?, ?)",
        (item["normalised_artist"], item["normalised_album"], item["tracks"], mbid, expires),
    )


def postpone(db: sqlite3.Connection, item: Item, until: float) -> None:
    """Look at an item again at that time (Unix seconds); what is known of it stays."""
    again = "DO UPDATE SET expires_at = excluded.expires_at"
    if item["kind"] == "search":
        db.execute(
            "INSERT INTO mb_searches (normalised_artist, normalised_album, tracks, expires_at) VALUES (?, ?, ?, ?) "
            f"ON CONFLICT (normalised_artist, normalised_album, tracks) {again}",
            (item["normalised_artist"], item["normalised_album"], item["tracks"], until),
        )
        return
    table = "caa_misses" if item["kind"] == "cover" else _TABLES[item["kind"]][0]
    db.execute(
        f"INSERT INTO {table} (mbid, expires_at) VALUES (?, ?) ON CONFLICT (mbid) {again}", (item["mbid"], until)
    )


def mark_service_up(db: sqlite3.Connection, service: Service) -> bool:
    """Note that a service answers, and give back its lease; True if it had been away."""
    row = db.execute("SELECT failures FROM online_services WHERE name = ?", (service,)).fetchone()
    db.execute(
        "UPDATE online_services SET failures = 0, reason = NULL, retry_at = 0, leased_until = 0 WHERE name = ?",
        (service,),
    )
    return bool(row["failures"])


def mark_service_down(db: sqlite3.Connection, service: Service, reason: str, retry_after: float, now: float) -> int:
    """Note that a service does not answer as it should, and leave it alone for a while; returns the failures in a row.

    The pause doubles with each failure, and is never shorter than what the service asks for (`retry_after`, seconds).
    """
    row = db.execute("SELECT failures FROM online_services WHERE name = ?", (service,)).fetchone()
    failures = int(row["failures"]) + 1
    db.execute(
        "UPDATE online_services SET failures = ?, reason = ?, retry_at = ?, leased_until = 0 WHERE name = ?",
        (failures, reason, now + pause(failures, retry_after), service),
    )
    return failures


def pause(failures: int, retry_after: float = 0.0) -> float:
    """Return how long a service is left alone after so many failures in a row, in seconds."""
    ours: float = min(FIRST_PAUSE * 2 ** min(failures - 1, 20), LONGEST_PAUSE)
    return max(ours, min(retry_after, LONGEST_RETRY_AFTER))


def states(db: sqlite3.Connection, now: float) -> list[dict[str, Any]]:
    """Return each service: how many look-ups are due, failures in a row, their reason, when it is asked again."""
    rows = db.execute("SELECT name, failures, reason, retry_at FROM online_services ORDER BY name").fetchall()
    return [{**row, "retry_at": row["retry_at"] or None, "due": _count_due(db, row["name"], now)} for row in rows]


def _count_due(db: sqlite3.Connection, service: Service, now: float) -> int:
    values = _values(now, -1)  # without a limit
    return sum(db.execute(f"SELECT count(*) FROM ({sql})", values).fetchone()[0] for sql in _DUE[service])


def _values(now: float, limit: int) -> dict[str, Any]:
    return {"now": now, "limit": limit, "unknown": UNKNOWN_ARTIST, "various": VARIOUS_ARTISTS_MBID}
