"""`covers.*`: an album's picture, embedded in one of its files, else lying beside it, else of the Cover Art Archive."""

import logging
import os
from pathlib import Path
from typing import Any

from soniquebay.audio.artwork import embedded_picture, folder_picture
from soniquebay.audio.picture_format import THUMBNAIL_MEDIA_TYPE
from soniquebay.audio.pictures import Picture
from soniquebay.audio.tags import UnreadableAudioError
from soniquebay.library.covers import digest_of, has_cover
from soniquebay.library.database import open_read_only
from soniquebay.library.enrichment import Item
from soniquebay.library.paths import decode, is_there
from soniquebay.online import coverart
from soniquebay.pipeline import library_api
from soniquebay.pipeline.online import OnlineTask, work
from soniquebay.pipeline.task import GIVE_UP_PATIENCE, StageTask, stage
from soniquebay.settings import settings

log = logging.getLogger(__name__)


class CoverTask(StageTask):
    """An album whose cover cannot be had has none, until one of its files changes."""

    @staticmethod
    def give_up(error: BaseException, arguments: dict[str, Any]) -> None:
        """Note that the album was looked at."""
        library_api.post(f"/internal/covers/{arguments['album_id']}/none", {}, GIVE_UP_PATIENCE)


@stage("covers.extract", base=CoverTask)
def extract_cover(album_id: int, path: str, has_picture: bool) -> None:
    """Look into a file of the album, then into its folder, and store what is found through the API."""
    with open_read_only(settings().database) as db:
        if has_cover(db, album_id):
            return  # an album in several batches is sent once for each
    file = os.fsdecode(decode(path))
    picture = (_embedded(file) if has_picture else None) or folder_picture(Path(file).parent)
    if picture is None:
        unavailable_file = None if is_there(file) else path
        library_api.post(f"/internal/covers/{album_id}/none", {"unavailable_file": unavailable_file})
    else:
        _store(album_id, picture)


@stage("covers.fetch", base=OnlineTask)
def fetch_covers(items: list[Item]) -> None:
    """Ask the Cover Art Archive for the covers that no file has."""
    work("coverart", items, _fetch)


def _fetch(item: Item) -> None:
    picture = coverart.fetch_front_cover(str(item["mbid"]), item.get("group_mbid"))
    if picture is None:
        library_api.put("/internal/online/no-cover", item)
    else:
        _store(item["album_id"], picture)


def _store(album_id: int, picture: Picture) -> None:
    # The small ones first: a cover that is shown has them.
    digest = digest_of(picture.data)
    for size, data in picture.thumbnails.items():
        library_api.put_bytes(f"/internal/thumbnails/{digest}/{size}", data, THUMBNAIL_MEDIA_TYPE)
    library_api.put_bytes(f"/internal/covers/{album_id}", picture.data, picture.media_type)


def _embedded(file: str) -> Picture | None:
    try:
        return embedded_picture(file)
    except UnreadableAudioError as error:
        log.warning("no cover from %r: %s", file, error)
        return None
