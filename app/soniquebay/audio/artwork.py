"""The picture of a track: embedded in the file, else lying in its folder."""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mutagen.flac import Picture
from mutagen.flac import error as FLACError  # noqa: N812 - mutagen's own name is lower-case
from mutagen.id3 import ID3
from mutagen.mp4 import MP4

from soniquebay.audio.tags import open_audio

LARGEST = 16 * 1024 * 1024  # bytes; a larger picture is no cover
_FRONT = 3  # the type of a front cover in ID3 and FLAC
_STEMS = ("cover", "folder", "front", "album", "albumart")
_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif")


@dataclass(frozen=True, slots=True)
class Artwork:
    """A picture as it was found: its bytes and its media type, told from those bytes."""

    data: bytes
    media_type: str


def media_type(data: bytes) -> str | None:
    """Tell a picture's media type from its first bytes; None if it is no picture a browser shows."""
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[:6] in {b"GIF87a", b"GIF89a"}:
        return "image/gif"
    return None


def embedded(path: str) -> Artwork | None:
    """Return the picture embedded in an audio file, the front cover if there are several.

    Raises `UnreadableAudioError` when the file cannot be opened.
    """
    audio = open_audio(path)
    tags = audio.tags
    pictures: list[tuple[int, bytes]] = [(p.type, p.data) for p in getattr(audio, "pictures", [])]
    if isinstance(tags, ID3):
        pictures += [(frame.type, frame.data) for frame in tags.getall("APIC")]
    elif isinstance(audio, MP4):
        covers: list[bytes] = tags.get("covr", []) if tags else []
        pictures += [(_FRONT, bytes(cover)) for cover in covers]
    elif tags is not None:
        pictures += _vorbis_pictures(tags.get("metadata_block_picture", []))
    return _first(data for _, data in sorted(pictures, key=lambda picture: picture[0] != _FRONT))


def in_folder(folder: Path) -> Artwork | None:
    """Return the cover lying in a folder under one of the customary names; None if there is none to be read."""
    try:
        files = sorted(folder.iterdir())
    except OSError:
        return None
    ranked = sorted(
        (_STEMS.index(file.stem.lower()), file)
        for file in files
        # is_file: a pipe of that name would be waited for without end
        if file.stem.lower() in _STEMS and file.suffix.lower() in _SUFFIXES and file.is_file()
    )
    return _first(_read(file) for _, file in ranked)


def _vorbis_pictures(values: Iterable[str]) -> list[tuple[int, bytes]]:
    found = []
    for value in values:
        try:
            picture = Picture(base64.b64decode(value))
        except (binascii.Error, ValueError, FLACError):
            continue  # a damaged picture is no reason to refuse the next one
        found.append((picture.type, picture.data))
    return found


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST + 1)
    except OSError:
        return b""


def _first(candidates: Iterable[bytes]) -> Artwork | None:
    for data in candidates:
        kind = media_type(data)
        if kind and len(data) <= LARGEST:
            return Artwork(data, kind)
    return None
