"""Pictures of a track: embedded in its file, or a cover file in its folder."""

import logging
from collections.abc import Iterable
from pathlib import Path

from soniquebay.audio.file_names import COVER_STEMS, is_cover
from soniquebay.audio.picture_format import MAX_PICTURE_BYTES
from soniquebay.audio.pictures import Picture, UnusablePictureError, decode_picture
from soniquebay.audio.reading.embedded import embedded_pictures

log = logging.getLogger(__name__)


def embedded_picture(path: str) -> Picture | None:
    """Return the picture embedded in an audio file, preferably its front cover; None if it has none that can be shown.

    Raises `UnreadableAudioError` when the file cannot be read, or is not audio.
    """
    return _first_usable(embedded_pictures(path))


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
