"""Tags and duration of an audio file, by mutagen, under one set of names whatever the format."""

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

# Each format is read by its own names: one table for all once left every MP3 without a title.
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
# What a person makes nothing of: Python's literals, places in the file, names of codecs and classes.
_FOR_PROGRAMMERS = re.compile(r"\bb['\"]|\\x|0x|codec|Error\b|[()]")
DAMAGED = "it is damaged"
_LONGEST = 1000  # characters of a tag kept: some files carry whole pages in one


class UnreadableAudioError(Exception):
    """The file is not audio that can be read; its text is the reason shown to people."""


class UnreachableFileError(UnreadableAudioError):
    """The file could not be read at all; nothing is known of what it holds."""


@dataclass(frozen=True, slots=True)
class Tags:
    """What a file says of itself. Absent values are None or empty; ids are lower-case UUIDs."""

    title: str
    has_title: bool  # else `title` is the file's name
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
        """Return the fields by their names; the values are plain already, so nothing is copied."""
        return {name: getattr(self, name) for name in _FIELDS}


_FIELDS = tuple(field.name for field in fields(Tags))


def open_audio(path: str) -> mutagen.FileType:
    """Open a file with mutagen; raises `UnreadableAudioError`, also where mutagen fails in ways of its own."""
    try:
        audio: mutagen.FileType | None = mutagen.File(path, options=list(_FORMATS))
    except mutagen.MutagenError as error:
        # mutagen wraps the system's errors; theirs is the text a person understands.
        cause = error.args[0] if error.args else error
        if isinstance(cause, OSError) and cause.strerror:
            raise UnreachableFileError(f"cannot be read: {cause.strerror}") from error
        raise UnreadableAudioError(f"not readable as audio: {_told(error, path)}") from error
    except OSError as error:
        raise UnreachableFileError(f"cannot be read: {error.strerror or error}") from error
    except Exception as error:
        # A parser meets bytes that nobody foresaw; one such file must be a listed failure, not the end of its batch.
        log.info("%r: %s: %s", path, type(error).__name__, error)
        raise UnreadableAudioError(f"not readable as audio: {DAMAGED}") from error
    if audio is None:
        raise UnreadableAudioError("not an audio format that is known here")
    return audio


def _told(error: mutagen.MutagenError, path: str) -> str:
    """Return what mutagen says of a file, where that is a sentence and no dump of its bytes."""
    text = str(error).replace(f"{path!r} ", "").strip("\"' ")
    plain = text.isascii() and text.isprintable() and len(text) <= 100
    return text if text and plain and not _FOR_PROGRAMMERS.search(text) else DAMAGED


def read_tags(path: str) -> Tags:
    """Read the tags of the file at `path` (Python's file-system string); raises `UnreadableAudioError`."""
    audio = open_audio(path)
    duration = float(getattr(audio.info, "length", 0.0) or 0.0)
    if duration <= 0:
        raise UnreadableAudioError("holds no audio: its duration is zero")
    read = _reader(audio)

    def first(field: str) -> str | None:
        return next(iter(read(field)), None)

    title = first("title")
    return Tags(
        title=title or _printable(PurePath(path).stem),
        has_title=title is not None,
        artist=first("artist"),
        album=first("album"),
        album_artist=first("album_artist"),
        track_no=_number(first("track_no")),
        disc_no=_number(first("disc_no")),
        year=_year(first("year")),
        genres=tuple(read("genres")),
        compilation=first("compilation") in {"1", "True", "true"},
        duration=round(duration, 3),
        format=next((name for kind, name in _FORMATS.items() if isinstance(audio, kind)), type(audio).__name__),
        has_picture=_has_picture(audio),
        mb_recording=_uuid(first("mb_recording")),
        mb_album=_uuid(first("mb_album")),
        mb_artist=_uuid(first("mb_artist")),
        mb_album_artist=_uuid(first("mb_album_artist")),
    )


def _reader(audio: mutagen.FileType) -> Callable[[str], list[str]]:
    tags = audio.tags
    if tags is None:
        return lambda field: []
    if isinstance(tags, ID3):
        return lambda field: _id3_values(tags, field)
    if isinstance(audio, MP4):
        return lambda field: _clean(_mp4_values(tags, field))
    # Once for all fields: mutagen goes through all comments at each look.
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
            # TCON's own property turns "(17)" and "17" into the names they stand for.
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
    texts = (_printable(value).strip()[:_LONGEST] for value in values)
    return [text for text in texts if text]


def _printable(text: str) -> str:
    """Return text that is valid UTF-8 and holds no control characters, which no screen or JSON reader wants."""
    if text.isprintable() and text.isascii():
        return text
    valid = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(c if c.isprintable() else " " for c in valid)


def _number(text: str | None) -> int | None:
    match = re.match(r"\s*(\d{1,6})", text or "")
    return int(match[1]) or None if match else None


def _year(text: str | None) -> int | None:
    match = _YEAR.search(text or "")
    return int(match[1]) if match else None


def _uuid(text: str | None) -> str | None:
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
