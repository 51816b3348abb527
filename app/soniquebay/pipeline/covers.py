"""`covers.extract`: an album's picture, embedded in one of its files or lying beside it."""

import logging
import os
from pathlib import Path
from typing import Any

from soniquebay.audio.artwork import Artwork, embedded, in_folder
from soniquebay.audio.tags import UnreadableAudioError
from soniquebay.library.paths import decode
from soniquebay.pipeline import library_api
from soniquebay.pipeline.task import GIVE_UP_PATIENCE, StageTask, stage

log = logging.getLogger(__name__)


class CoverTask(StageTask):
    """An album whose cover cannot be had has none, until one of its files changes."""

    @staticmethod
    def give_up(reason: str, arguments: dict[str, Any]) -> None:
        """Note that the album was looked at."""
        library_api.post(f"/internal/covers/{arguments['album_id']}/none", {}, GIVE_UP_PATIENCE)


@stage("covers.extract", base=CoverTask)
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
