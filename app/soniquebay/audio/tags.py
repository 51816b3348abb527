"""Tags and duration of an audio file, read with mutagen, under the same names for every format."""

import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from pathlib import PurePath
from typing import Any

import mutagen
from mutagen.aac import AAC
from mutagen.aiff import AIFF
from mutagen.flac import FLAC
from mutagen.id3 import ID3
from mutagen.mp3 import MP3
from mutagen.mp4 import MP4, MP4FreeForm
from mutagen.oggflac import OggFLAC
from mutagen.oggopus import OggOpus
from mutagen.oggspeex import OggSpeex
from mutagen.oggvorbis import OggVorbis
from mutagen.wave import WAVE

log = logging.getLogger(__name__)

# The name of each tag differs between formats. Several names of one tag are in order of preference.
_ID3 = {
    "title": "TIT2",
    "artist": "TPE1",
    "album": "TALB",
    "album_artist": "TPE2",
    "track_no": "TRCK",
    "disc_no": "TPOS",
    "year": ("TDRC", "TDOR", "TYER"),
    "genres": "TCON",
    "compilation": "TCMP",
    "mb_album": "TXXX:MusicBrainz Album Id",
    "mb_artist": "TXXX:MusicBrainz Artist Id",
    "mb_album_artist": "TXXX:MusicBrainz Album Artist Id",
}
_MP4 = {
    "title": "\xa9nam",
    "artist": "\xa9ART",
    "album": "\xa9alb",
    "album_artist": "aART",
    "track_no": "trkn",
    "disc_no": "disk",
    "year": "\xa9day",
    "genres": "\xa9gen",
    "compilation": "cpil",
    "mb_recording": "----:com.apple.iTunes:MusicBrainz Track Id",
    "mb_album": "----:com.apple.iTunes:MusicBrainz Album Id",
    "mb_artist": "----:com.apple.iTunes:MusicBrainz Artist Id",
    "mb_album_artist": "----:com.apple.iTunes:MusicBrainz Album Artist Id",
}
_VORBIS = {
    "title": "title",
    "artist": "artist",
    "album": "album",
    "album_artist": ("albumartist", "album artist"),
    "track_no": "tracknumber",
    "disc_no": "discnumber",
    "year": ("date", "originaldate", "year"),
    "genres": "genre",
    "compilation": "compilation",
    "mb_recording": "musicbrainz_trackid",
    "mb_album": "musicbrainz_albumid",
    "mb_artist": "musicbrainz_artistid",
    "mb_album_artist": "musicbrainz_albumartistid",
}
_UFID_MUSICBRAINZ = "UFID:http://musicbrainz.org"

_FORMATS: dict[type, str] = {
    MP3: "MP3",
    FLAC: "FLAC",
    OggVorbis: "Ogg Vorbis",
    OggOpus: "Opus",
    OggFLAC: "Ogg FLAC",
    OggSpeex: "Speex",
    MP4: "M4A",
    AAC: "AAC",
    WAVE: "WAV",
    AIFF: "AIFF",
}

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_YEAR = re.compile(r"(?<!\d)(1[0-9]{3}|2[0-9]{3})(?!\d)")
# What means nothing to people: Python literals, offsets in the file, names of codecs and classes.
_TECHNICAL = re.compile(r"\bb['\"]|\\x|0x|codec|Error\b|[()]")
_DAMAGED = "the file is damaged"
_MAX_REASON_CHARACTERS = 100
_MAX_TAG_CHARACTERS = 1000  # some files hold whole pages in one tag


class UnreadableAudioError(Exception):
    """A file is not readable as audio. The text is the reason that people see."""


class UnavailableFileError(UnreadableAudioError):
    """A file cannot be read at present, so nothing is known about its content."""


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


def open_audio(path: str) -> mutagen.FileType:
    """Open a file with mutagen.

    Raises `UnavailableFileError` when the file cannot be read, and `UnreadableAudioError` for every other failure.
    """
    try:
        audio: mutagen.FileType | None = mutagen.File(path, options=list(_FORMATS))
    except mutagen.MutagenError as error:
        # mutagen wraps an OSError, whose text is the one that people understand.
        cause = error.args[0] if error.args else error
        if isinstance(cause, OSError) and cause.strerror:
            raise UnavailableFileError(f"cannot be read: {cause.strerror}") from error
        raise UnreadableAudioError(f"not readable as audio: {_readable_reason(error, path)}") from error
    except OSError as error:
        raise UnavailableFileError(f"cannot be read: {error.strerror or error}") from error
    except Exception as error:
        # mutagen raises all kinds of errors on damaged data; such a file must be a failure, not the end of its batch.
        log.info("%r: %s: %s", path, type(error).__name__, error)
        raise UnreadableAudioError(f"not readable as audio: {_DAMAGED}") from error
    if audio is None:
        raise UnreadableAudioError("not a supported audio format")
    return audio


def _readable_reason(error: mutagen.MutagenError, path: str) -> str:
    """Return mutagen's message without the path, or a plain one where mutagen's means nothing to people."""
    text = str(error).replace(f"{path!r} ", "").strip("\"' ")
    plain = text.isascii() and text.isprintable() and len(text) <= _MAX_REASON_CHARACTERS
    return text if text and plain and not _TECHNICAL.search(text) else _DAMAGED


def read_tags(path: str) -> Tags:
    """Return the tags of the file at `path` (Python's file-system string).

    Raises `UnavailableFileError` when the file cannot be read, and `UnreadableAudioError` when it is not audio or its
    duration is zero.
    """
    audio = open_audio(path)
    duration = float(getattr(audio.info, "length", 0.0) or 0.0)
    if duration <= 0:
        raise UnreadableAudioError("contains no audio: its duration is zero")
    read = _tag_reader(audio)

    def first(field: str) -> str | None:
        return next(iter(read(field)), None)

    title = first("title")
    return Tags(
        title=title or _printable(PurePath(path).stem),
        has_title=title is not None,
        artist=first("artist"),
        album=first("album"),
        album_artist=first("album_artist"),
        track_no=_parse_number(first("track_no")),
        disc_no=_parse_number(first("disc_no")),
        year=_parse_year(first("year")),
        genres=tuple(read("genres")),
        compilation=first("compilation") in {"1", "True", "true"},
        duration=round(duration, 3),
        format=next((name for kind, name in _FORMATS.items() if isinstance(audio, kind)), type(audio).__name__),
        has_picture=_has_picture(audio),
        mb_recording=_parse_uuid(first("mb_recording")),
        mb_album=_parse_uuid(first("mb_album")),
        mb_artist=_parse_uuid(first("mb_artist")),
        mb_album_artist=_parse_uuid(first("mb_album_artist")),
    )


def _tag_reader(audio: mutagen.FileType) -> Callable[[str], list[str]]:
    """Return a function from the name of a field to its values."""
    tags = audio.tags
    if tags is None:
        return lambda field: []
    if isinstance(tags, ID3):
        return lambda field: _id3_values(tags, field)
    if isinstance(audio, MP4):
        return lambda field: _clean(_mp4_values(tags, field))
    # Index the comments once: mutagen goes through all of them on each access.
    comments: dict[str, list[str]] = {}
    for key, value in tags:
        comments.setdefault(key.lower(), []).append(value)
    return lambda field: _clean(value for key in _keys(_VORBIS, field) for value in comments.get(key, ()))


def _keys(table: dict[str, Any], field: str) -> tuple[str, ...]:
    keys = table.get(field, ())
    return (keys,) if isinstance(keys, str) else keys


def _id3_values(tags: ID3, field: str) -> list[str]:
    if field == "mb_recording":
        frame = tags.get(_UFID_MUSICBRAINZ)
        return _clean([frame.data.decode("ascii", "replace")]) if frame else []
    for key in _keys(_ID3, field):
        frame = tags.get(key)
        if frame is not None:
            # `genres` translates the numbers of ID3v1 genres, "(17)" and "17", to names.
            return _clean(frame.genres if key == "TCON" else [str(text) for text in frame.text])
    return []


def _mp4_values(tags: Any, field: str) -> Iterable[str]:
    for value in _as_list(tags.get(_MP4.get(field), [])):
        if isinstance(value, MP4FreeForm):
            yield bytes(value).decode("utf-8", "replace")
        elif isinstance(value, tuple):
            yield str(value[0] or "")
        else:
            yield str(value)


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _clean(values: Iterable[str]) -> list[str]:
    texts = (_printable(value).strip()[:_MAX_TAG_CHARACTERS] for value in values)
    return [text for text in texts if text]


def _printable(text: str) -> str:
    """Return text as valid UTF-8, with a space for each character that is not printable."""
    if text.isprintable() and text.isascii():
        return text
    valid = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(c if c.isprintable() else " " for c in valid)


def _parse_number(text: str | None) -> int | None:
    match = re.match(r"\s*(\d{1,6})", text or "")
    return int(match[1]) or None if match else None


def _parse_year(text: str | None) -> int | None:
    match = _YEAR.search(text or "")
    return int(match[1]) if match else None


def _parse_uuid(text: str | None) -> str | None:
    match = _UUID.search((text or "").lower())
    return match[0] if match else None


def _has_picture(audio: mutagen.FileType) -> bool:
    if getattr(audio, "pictures", None):
        return True
    tags = audio.tags
    if tags is None:
        return False
    if isinstance(tags, ID3):
        return bool(tags.getall("APIC"))
    return bool(tags.get("covr" if isinstance(audio, MP4) else "metadata_block_picture"))
