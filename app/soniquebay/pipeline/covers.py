"""`covers.extract`: an album's picture, embedded in one of its files or lying beside it."""

import logging
import os
from pathlib import Path

from soniquebay.audio.artwork import Artwork, embedded, in_folder
from soniquebay.audio.tags import UnreadableAudioError
from soniquebay.library.paths import decode
from soniquebay.pipeline import library_api
from soniquebay.pipeline.task import stage

log = logging.getLogger(__name__)


@stage("covers.extract")
def extract_cover(album_id: int, path: str, has_picture: bool) -> None:
    """Look into a file of the album, then into its folder, and store what is found through the API."""
    file = os.fsdecode(decode(path))
    artwork = (_embedded(file) if has_picture else None) or in_folder(Path(file).parent)
    if artwork is None:
        library_api.post(f"/internal/covers/{album_id}/none", {})
    else:
        library_api.put_bytes(f"/internal/covers/{album_id}", artwork.data, artwork.media_type)


def _embedded(file: str) -> Artwork | None:
    try:
        return embedded(file)
    except UnreadableAudioError as error:
        log.warning("no cover from %r: %s", file, error)
        return None
