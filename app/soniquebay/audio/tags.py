"""Tags and duration of an audio file, under the same names for every format."""

import re
from dataclasses import dataclass, fields
from pathlib import PurePath

from soniquebay.audio.reading.errors import UnavailableFileError, UnreadableAudioError
from soniquebay.audio.reading.read import read_file
from soniquebay.audio.reading.text import clean

__all__ = ["Tags", "UnavailableFileError", "UnreadableAudioError", "read_tags"]

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_YEAR = re.compile(r"(?<!\d)(1[0-9]{3}|2[0-9]{3})(?!\d)")
_DATES = ("date", "original_date", "release_date")  # the first that states a year
_MAX_TITLE_CHARACTERS = 1000


@dataclass(frozen=True, slots=True)
class Tags:
    """The tags of a file. Absent values are None or empty; MusicBrainz ids are lower-case UUIDs."""

    title: str
    has_title: bool  # False: `title` is the name of the file
    artist: str | None
    album: str | None
    album_artist: str | None
    track_no: int | None
    disc_no: int | None
    year: int | None
    genres: tuple[str, ...]
    compilation: bool
    duration: float  # seconds
    format: str
    has_picture: bool
    mb_recording: str | None
    mb_album: str | None
    mb_artist: str | None
    mb_album_artist: str | None

    def as_dict(self) -> dict[str, object]:
        """Return the fields by their names. Unlike `dataclasses.asdict` it copies no values, which are immutable."""
        return {name: getattr(self, name) for name in _FIELDS}


_FIELDS = tuple(field.name for field in fields(Tags))


def read_tags(path: str, tag_encoding: str = "") -> Tags:
    """Return the tags of the file at `path` (Python's file-system string), of several values the first.

    `tag_encoding` is the code page of text that is marked as ISO-8859-1, or not marked at all; empty if none is known.
    Raises `UnavailableFileError` when the file cannot be read, and `UnreadableAudioError` when it is not audio or its
    duration is zero.
    """
    content = read_file(path, tag_encoding)

    def first(name: str) -> str | None:
        values = content.tags.get(name)
        return values[0] if values else None

    title = first("title")
    return Tags(
        title=title or _title_of(path),
        has_title=title is not None,
        artist=first("artist"),
        album=first("album"),
        album_artist=first("album_artist"),
        track_no=_parse_number(first("track")),
        disc_no=_parse_number(first("disc")),
        year=next((year for name in _DATES if (year := _parse_year(first(name)))), None),
        genres=tuple(content.tags.get("genre", ())),
        compilation="compilation" in content.tags,
        duration=round(content.sound.duration, 3),
        format=content.sound.format,
        has_picture=content.has_picture,
        mb_recording=_parse_uuid(first("mb_recording")),
        mb_album=_parse_uuid(first("mb_album")),
        mb_artist=_parse_uuid(first("mb_artist")),
        mb_album_artist=_parse_uuid(first("mb_album_artist")),
    )


def _title_of(path: str) -> str:
    """Return the name of a file without its suffix, as valid text."""
    name = PurePath(path).stem.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return clean(name, _MAX_TITLE_CHARACTERS)


def _parse_number(text: str | None) -> int | None:
    match = re.match(r"\s*(\d{1,6})", text or "")
    return int(match[1]) or None if match else None


def _parse_year(text: str | None) -> int | None:
    match = _YEAR.search(text or "")
    return int(match[1]) if match else None


def _parse_uuid(text: str | None) -> str | None:
    match = _UUID.search((text or "").lower())
    return match[0] if match else None
