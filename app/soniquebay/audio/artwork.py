"""The picture of a track: embedded in the file, else lying in its folder."""

import base64
import binascii
import logging
from collections.abc import Iterable
from pathlib import Path

from mutagen.flac import Picture as FLACPicture
from mutagen.flac import error as FLACError  # noqa: N812 - mutagen's own name is lower-case
from mutagen.id3 import ID3
from mutagen.mp4 import MP4

from soniquebay.audio.file_names import COVER_STEMS, is_cover
from soniquebay.audio.picture_format import LARGEST
from soniquebay.audio.pictures import Picture, UnusablePictureError, render
from soniquebay.audio.tags import open_audio

log = logging.getLogger(__name__)

_FRONT = 3  # the type of a front cover in ID3 and FLAC


def embedded(path: str) -> Picture | None:
    """Return the picture embedded in an audio file, the front cover if there are several that can be shown.

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


def in_folder(folder: Path) -> Picture | None:
    """Return the cover lying in a folder under one of the customary names; None if there is none to be read."""
    try:
        files = sorted(folder.iterdir())
    except OSError:
        return None
    ranked = sorted(
        (COVER_STEMS.index(file.stem.lower()), file)
        for file in files
        # is_file: a pipe of that name would be waited for without end
        if is_cover(file.name) and file.is_file()
    )
    return _first(_read(file) for _, file in ranked)


def _vorbis_pictures(values: Iterable[str]) -> list[tuple[int, bytes]]:
    found = []
    for value in values:
        try:
            picture = FLACPicture(base64.b64decode(value))
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


def _first(candidates: Iterable[bytes]) -> Picture | None:
    for data in candidates:
        try:
            return render(data)
        except UnusablePictureError as error:
            log.info("a picture is passed over: %s", error)
    return None
