"""Pictures of a track: embedded in its file, or a cover file in its folder."""

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
from soniquebay.audio.picture_format import MAX_PICTURE_BYTES
from soniquebay.audio.pictures import Picture, UnusablePictureError, decode_picture
from soniquebay.audio.tags import open_audio

log = logging.getLogger(__name__)

_FRONT_COVER = 3  # picture type in ID3 and FLAC


def embedded_picture(path: str) -> Picture | None:
    """Return the picture embedded in an audio file, preferably its front cover; None if it has none that can be shown.

    Raises `tags.UnreadableAudioError` when the file cannot be opened.
    """
    audio = open_audio(path)
    tags = audio.tags
    pictures: list[tuple[int, bytes]] = [(p.type, p.data) for p in getattr(audio, "pictures", [])]
    if isinstance(tags, ID3):
        pictures += [(frame.type, frame.data) for frame in tags.getall("APIC")]
    elif isinstance(audio, MP4):
        covers: list[bytes] = tags.get("covr", []) if tags else []
        pictures += [(_FRONT_COVER, bytes(cover)) for cover in covers]
    elif tags is not None:
        pictures += _vorbis_pictures(tags.get("metadata_block_picture", []))
    return _first_usable(data for _, data in sorted(pictures, key=lambda picture: picture[0] != _FRONT_COVER))


def folder_picture(folder: Path) -> Picture | None:
    """Return the picture of the best cover file in a folder (see `file_names.COVER_STEMS`) that can be shown.

    Returns None if there is no such file, or if the folder cannot be read.
    """
    try:
        files = sorted(folder.iterdir())
    except OSError:
        return None
    ranked = sorted(
        (COVER_STEMS.index(file.stem.lower()), file)
        for file in files
        # is_file: opening a pipe would block for ever
        if is_cover(file.name) and file.is_file()
    )
    return _first_usable(_read_picture(file) for _, file in ranked)


def _vorbis_pictures(values: Iterable[str]) -> list[tuple[int, bytes]]:
    pictures = []
    for value in values:
        try:
            picture = FLACPicture(base64.b64decode(value))
        except (binascii.Error, ValueError, FLACError):
            continue  # the next one may be intact
        pictures.append((picture.type, picture.data))
    return pictures


def _read_picture(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_PICTURE_BYTES + 1)  # one more, so that a larger file is seen to be too large
    except OSError:
        return b""


def _first_usable(candidates: Iterable[bytes]) -> Picture | None:
    for data in candidates:
        try:
            return decode_picture(data)
        except UnusablePictureError as error:
            log.info("picture skipped: %s", error)
    return None
