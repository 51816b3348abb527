"""What other services are told of a track that was heard. It outlives the library's row."""

import json
import re
import sqlite3
from dataclasses import asdict, dataclass

from soniquebay.library.catalogue.names import UNKNOWN_ARTIST

MAX_NAME_CHARACTERS = 500  # four names of 4 bytes a character stay below ListenBrainz's 10 kB a listen
_MBID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")

_TRACK = """
SELECT t.title, nullif(coalesce(t.credit, a.name), :unknown) AS artist, b.title AS album, b.credit AS album_artist,
       t.track_no, t.duration, t.mbid AS recording_mbid, coalesce(t.album_mbid, b.mbid) AS release_mbid,
       b.release_group_mbid
FROM library.tracks t JOIN library.artists a ON a.id = t.artist_id LEFT JOIN library.albums b ON b.id = t.album_id
WHERE t.id = :track
"""
_ARTISTS = """
SELECT a.mbid FROM library.track_artists c JOIN library.artists a ON a.id = c.artist_id
WHERE c.track_id = ? AND c.role = 'artist' ORDER BY c.position
"""


@dataclass(frozen=True, slots=True)
class Heard:
    """A track as services know it. What the files do not say is None."""

    title: str
    artist: str
    """The whole credit."""
    album: str | None = None
    album_artist: str | None = None
    track_no: int | None = None
    duration: float = 0.0
    """Seconds."""
    recording_mbid: str | None = None
    release_mbid: str | None = None
    release_group_mbid: str | None = None
    artist_mbids: tuple[str, ...] = ()
    """Of all credited artists; empty unless each has one."""

    def to_json(self) -> str:
        """Return the text from which `from_json` makes an equal one."""
        return json.dumps(asdict(self), ensure_ascii=False)


def from_json(text: str) -> Heard:
    """Return what `Heard.to_json` has written."""
    fields = json.loads(text)
    return Heard(**{**fields, "artist_mbids": tuple(fields["artist_mbids"])})


def read_heard(db: sqlite3.Connection, track_id: int) -> Heard | None:
    """Return a track of the library, from a reader; None without the artist or title that every service asks for."""
    row = db.execute(_TRACK, {"track": track_id, "unknown": UNKNOWN_ARTIST}).fetchone()
    title, artist = (_name(row["title"]), _name(row["artist"])) if row else (None, None)
    if title is None or artist is None:
        return None
    mbids = [_mbid(artist["mbid"]) for artist in db.execute(_ARTISTS, (track_id,))]
    return Heard(
        title,
        artist,
        _name(row["album"]),
        _name(row["album_artist"]),
        row["track_no"],
        row["duration"],
        _mbid(row["recording_mbid"]),
        _mbid(row["release_mbid"]),
        _mbid(row["release_group_mbid"]),
        tuple(mbid for mbid in mbids if mbid) if all(mbids) else (),
    )


def _name(text: str | None) -> str | None:
    return (_CONTROL.sub(" ", text).strip()[:MAX_NAME_CHARACTERS].strip() or None) if text else None


def _mbid(text: str | None) -> str | None:
    """Return an MBID; None for what the services would refuse, because the files may say anything."""
    return text.lower() if text and _MBID.fullmatch(text.lower()) else None
