"""Ids as clients see them: text that says of which kind it is, the same for as long as the library keeps the row.

`tr-12` is a track, `al-3` an album, `ar-7` an artist, `pl-4` a playlist, and `fo-…` a folder. A cover has the id of
what it belongs to and the beginning of its SHA-256, `al-3-0f34a2c1`, so that another cover has another id.
"""

import re
from collections.abc import Container
from typing import Literal

from soniquebay.api.opensubsonic.errors import NOT_FOUND, SubsonicError

Kind = Literal["track", "album", "artist", "playlist"]
_PREFIXES: dict[Kind, str] = {"track": "tr", "album": "al", "artist": "ar", "playlist": "pl"}
_KINDS: dict[str, Kind] = {prefix: kind for kind, prefix in _PREFIXES.items()}
_ID = re.compile(r"(tr|al|ar|pl)-([1-9][0-9]{0,17})", re.ASCII)
_COVER = re.compile(rf"{_ID.pattern}(?:-[0-9a-f]{{8}})?", re.ASCII)
_VERSION_CHARACTERS = 8


def of(kind: Kind, row_id: int) -> str:
    """Return the id of a row of the library."""
    return f"{_PREFIXES[kind]}-{row_id}"


def of_cover(cover: tuple[str, int, str] | None) -> str | None:
    """Return the id of a cover: kind and id of what it belongs to, and its SHA-256; None without one."""
    if cover is None:
        return None
    kind, row_id, digest = cover
    prefix = "al" if kind == "album" else "tr" if kind == "track" else "ar" if kind == "artist" else "pl"
    return f"{prefix}-{row_id}-{digest[:_VERSION_CHARACTERS]}"


def parse(text: str, kinds: Container[Kind] = ("track", "album", "artist")) -> tuple[Kind, int]:
    """Return kind and number of an id. Raises `SubsonicError` for another kind, and for what is no id."""
    return _parsed(_ID, text, kinds)


def number(text: str, kind: Kind) -> int:
    """Return the number of an id of one kind. Raises `SubsonicError` as `parse` does."""
    return parse(text, (kind,))[1]


def parse_cover(text: str) -> tuple[Kind, int]:
    """Return to which kind and number the id of a cover belongs. Raises `SubsonicError` for what is none."""
    return _parsed(_COVER, text, _PREFIXES)


def _parsed(pattern: re.Pattern[str], text: str, kinds: Container[Kind]) -> tuple[Kind, int]:
    match = pattern.fullmatch(text)
    if match is None or _KINDS[match[1]] not in kinds:
        raise not_found()
    return _KINDS[match[1]], int(match[2])


def not_found() -> SubsonicError:
    """Return the error for an id that leads to nothing."""
    return SubsonicError(NOT_FOUND, "there is nothing with this id")
