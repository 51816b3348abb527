"""What the tags of one file say, interpreted. Nothing here looks at another file."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from soniquebay.library import genres
from soniquebay.library.catalogue import credits
from soniquebay.library.catalogue.credits import Credit
from soniquebay.library.catalogue.dates import parse_date
from soniquebay.library.catalogue.names import normalised_name
from soniquebay.library.catalogue.sort_keys import SORT_TAGS, sort_key, sort_key_as_tagged, sort_names_of
from soniquebay.library.paths import decode

Tags = Mapping[str, str | Sequence[str]]  # canonical name: a value, or several

_DISC_WORDS = {w: i for i, w in enumerate(("one", "two", "three", "four", "five", "six", "seven", "eight", "nine"), 1)}
_DISC = r"(?:disc|disk|cd|dvd|vinyl|lp)"
_DISC_NUMBER = rf"(\d{{1,2}}|{'|'.join(_DISC_WORDS)})"
# "(Disc 1)", "[CD2: Live]", ", Disk 1", " - disc 2 of 3" at the end of a title
_TITLE_DISC = re.compile(
    rf"\s*(?:[(\[]|[,:-]|\s)\s*{_DISC}\s*{_DISC_NUMBER}(?:\s*(?:of|/)\s*\d{{1,2}})?(?:\s*[:–-]\s*([^)\]]+))?\s*[)\]]?\s*$",
    re.IGNORECASE,
)
# "CD1", "Disc 2 - Live", "cd_03"
_DISC_FOLDER = re.compile(rf"{_DISC}[\s._-]*{_DISC_NUMBER}(?:[\s._:-]+(\S.*)|\s*[(\[](.+)[)\]])?", re.IGNORECASE)

# Credits besides the artist's, by role: the tag is called like the role.
ROLES = (
    "composer", "lyricist", "writer", "conductor", "remixer", "arranger", "producer", "dj_mixer", "mixer", "engineer",
    "director",
)  # fmt: skip
# The tags that `interpret` looks at, but for those that differ from track to track.
_SHARED = (
    "artist", "artists", "mb_artist", "album", "album_artist", "album_artists", "mb_album_artist", "mb_album",
    "mb_release_group", "album_version", "barcode", "catalog_number", "compilation", "disc", "disc_subtitle", "date",
    "release_date", "original_date", "genre", "album_sort", "performer", *ROLES, *SORT_TAGS,
)  # fmt: skip
_PERFORMER = re.compile(r"(.+?)\s*\(([^()]+)\)")


class TrackTags(NamedTuple):
    """What one file says of its track and album. Absent values are None or empty."""

    title: str
    artist: Credit | None
    others: tuple[tuple[str, str, Credit], ...]  # role, detail (an instrument), credit
    album: str | None  # without a disc
    normalised_album: str | None  # without a release id only files with the same one can be one album
    album_artist: Credit | None
    album_mbid: str
    release_group_mbid: str
    edition: str  # what tells two releases of one title apart, besides the date
    compilation: bool
    folder: str  # encoded; that of the album, above the folders of its discs
    disc_no: int | None
    disc_subtitle: str
    track_no: int | None
    date: str | None
    original_date: str | None
    genres: tuple[str, ...]
    mbid: str | None  # of the recording
    title_sort: str  # as tagged
    album_sort: str
    sort_names: tuple[tuple[str, str], ...]  # normalised names, and how the file sorts them


class Interpreter:
    """Interprets files, quickly where neighbours agree: the tracks of an album have most of their tags in common."""

    def __init__(self, artist_joins: frozenset[str] = frozenset()) -> None:
        """Credits are always split at `artist_joins`."""
        self._artist_joins = artist_joins
        self._before: TrackTags | None = None
        self._shared: tuple[object, ...] = ()

    def interpret(self, tags: Tags, path: str) -> TrackTags:
        """Interpret the tags of the file at an encoded path."""
        shared = (path.rpartition("/")[0], *map(tags.get, _SHARED))
        if self._before is None or shared != self._shared:
            self._before, self._shared = interpret(tags, path, self._artist_joins), shared
            return self._before
        return self._before._replace(
            title=first(tags, "title") or _file_title(path),
            track_no=_number(first(tags, "track")),
            mbid=_mbid(tags, "mb_recording") or None,
            title_sort=first(tags, "title_sort"),
        )


def interpret(tags: Tags, path: str, artist_joins: frozenset[str] = frozenset()) -> TrackTags:
    """Interpret the tags of the file at an encoded path. Credits are always split at `artist_joins`."""
    folder, disc_in_folder, subtitle_in_folder = album_folder(path.rpartition("/")[0])
    album, disc_in_title, subtitle_in_title = split_disc(first(tags, "album") or "")
    return TrackTags(
        title=first(tags, "title") or _file_title(path),
        artist=credits.credit(
            _values(tags, "artist"),
            _values(tags, "artists"),
            credits.mbids(_values(tags, "mb_artist")),
            artist_joins=artist_joins,
        ),
        others=_others(tags, artist_joins),
        album=album or None,
        normalised_album=normalised_name(album) if album else None,
        album_artist=credits.credit(
            _values(tags, "album_artist"),
            _values(tags, "album_artists"),
            credits.mbids(_values(tags, "mb_album_artist")),
            artist_joins=artist_joins,
            splits_at_with=False,
        ),
        album_mbid=_mbid(tags, "mb_album"),
        release_group_mbid=_mbid(tags, "mb_release_group"),
        edition=_edition(tags),
        compilation="compilation" in tags,
        folder=folder,
        disc_no=_number(first(tags, "disc")) or disc_in_title or disc_in_folder,
        disc_subtitle=first(tags, "disc_subtitle") or subtitle_in_title or subtitle_in_folder,
        track_no=_number(first(tags, "track")),
        date=_date(tags, "date", "release_date"),
        original_date=_date(tags, "original_date"),
        genres=tuple(genres.clean(_values(tags, "genre"))),
        mbid=_mbid(tags, "mb_recording") or None,
        title_sort=first(tags, "title_sort"),
        album_sort=first(tags, "album_sort"),
        sort_names=sort_names_of(tags),
    )


def track_sort_key(track_tags: TrackTags) -> str:
    """Return the sort key of a track's title."""
    return sort_key_as_tagged(track_tags.title_sort) if track_tags.title_sort else sort_key(track_tags.title)


def _values(tags: Tags, name: str) -> Sequence[str]:
    value = tags.get(name, ())
    return (value,) if isinstance(value, str) else value


def first(tags: Tags, name: str) -> str:
    """Return the first value of a tag; empty without one."""
    value = tags.get(name)
    return value if isinstance(value, str) else value[0] if value else ""


def _mbid(tags: Tags, name: str) -> str:
    value = tags.get(name)
    return next(iter(credits.mbids(_values(tags, name))), "") if value else ""


def _date(tags: Tags, *names: str) -> str | None:
    for name in names:
        for value in _values(tags, name):
            if date := parse_date(value):
                return date
    return None


def _number(text: str) -> int | None:
    match = re.match(r"\s*(\d{1,6})(?!\d)", text) if text else None
    return int(match[1]) or None if match else None


def _edition(tags: Tags) -> str:
    """Return what an album's release is known by: its version, else its barcode, else its catalogue number."""
    for name in ("album_version", "barcode", "catalog_number"):
        if value := first(tags, name):
            return f"{name} {normalised_name(value)}"
    return ""


def _others(tags: Tags, artist_joins: frozenset[str]) -> tuple[tuple[str, str, Credit], ...]:
    found = [
        (role, "", credit)
        for role in ROLES
        if role in tags and (credit := credits.credit(_values(tags, role), (), (), artist_joins=artist_joins))
    ]
    for value in _values(tags, "performer"):
        match = _PERFORMER.fullmatch(value)
        name, instrument = (match[1], match[2]) if match else (value, "")
        if credit := credits.credit((name,), (), (), artist_joins=artist_joins):
            found.append(("performer", instrument, credit))
    return tuple(found)


def _file_title(path: str) -> str:
    name = path.rpartition("/")[2]
    stem = name.rpartition(".")[0] or name
    text = decode(stem).decode("utf-8", "replace") if "\\" in stem else stem
    return "".join(c if c.isprintable() else " " for c in text).strip() or name


@lru_cache(1024)
def split_disc(title: str) -> tuple[str, int | None, str]:
    """Return an album's title without a disc at its end, the number of the disc, and its subtitle."""
    match = _TITLE_DISC.search(title)
    if not match or not match.start():
        return title, None, ""
    return title[: match.start()].rstrip(), _disc_number(match[1]), (match[2] or "").strip()


@lru_cache(1024)
def album_folder(folder: str) -> tuple[str, int | None, str]:
    """Return the folder of an album, given that of a file, with number and subtitle of the disc that the folder names.

    "Album/CD1 - Live" gives ("Album", 1, "Live"); "Album (Disc 2)" gives ("Album", 2, "").
    """
    parent, _, name = folder.rpartition("/")
    if match := _DISC_FOLDER.fullmatch(name):
        return parent, _disc_number(match[1]), (match[2] or match[3] or "").strip()
    title, disc_no, subtitle = split_disc(name)
    return (f"{parent}/{title}", disc_no, subtitle) if disc_no else (folder, None, "")


def _disc_number(text: str) -> int | None:
    return _DISC_WORDS.get(text.lower()) or int(text) or None
