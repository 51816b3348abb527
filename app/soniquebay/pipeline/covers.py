"""`covers.*`: the cover of an album, from one of its files, else from its folder, else from the Cover Art Archive."""

import logging
import os
from pathlib import Path
from typing import Any

from soniquebay.audio.artwork import embedded_picture, folder_picture
from soniquebay.audio.picture_format import THUMBNAIL_MEDIA_TYPE
from soniquebay.audio.pictures import Picture
from soniquebay.audio.reading.errors import UnreadableAudioError
from soniquebay.library.covers import digest_of, has_cover
from soniquebay.library.database import open_read_only
from soniquebay.library.enrichment import Lookup
from soniquebay.library.paths import decode, path_exists
from soniquebay.online import coverart
from soniquebay.pipeline import library_api
from soniquebay.pipeline.online import OnlineTask, run_lookups
from soniquebay.pipeline.task import RECORD_FAILURE_MAX_WAIT_SECONDS, StageTask, stage
from soniquebay.settings import settings

log = logging.getLogger(__name__)


class CoverTask(StageTask):
    """A task whose album has no cover if it fails for good, until one of its files changes."""

    @staticmethod
    def record_failure(error: BaseException, arguments: dict[str, Any]) -> None:
        """Record that the album has no cover."""
        library_api.post(f"/internal/covers/{arguments['album_id']}/none", {}, RECORD_FAILURE_MAX_WAIT_SECONDS)


@stage("covers.extract", base=CoverTask)
def extract_cover(album_id: int, path: str, has_picture: bool) -> None:
    """Search a file of the album, then its folder, for a picture, and store it through the API."""
    with open_read_only(settings().database) as db:
        if has_cover(db, album_id):
            return  # an album whose files are in several batches is sent once for each
    file = os.fsdecode(decode(path))
    picture = (_embedded(file) if has_picture else None) or folder_picture(Path(file).parent)
    if picture is None:
        unavailable_file = None if path_exists(file) else path
        library_api.post(f"/internal/covers/{album_id}/none", {"unavailable_file": unavailable_file})
    else:
        _store(album_id, picture)


@stage("covers.fetch", base=OnlineTask)
def fetch_covers(items: list[Lookup]) -> None:
    """Fetch from the Cover Art Archive the covers that no file holds."""
    run_lookups("coverart", items, _fetch)


def _fetch(lookup: Lookup) -> None:
    picture = coverart.fetch_front_cover(str(lookup["mbid"]), lookup.get("group_mbid"))
    if picture is None:
        library_api.put("/internal/online/no-cover", lookup)
    else:
        _store(lookup["album_id"], picture)


def _store(album_id: int, picture: Picture) -> None:
    # The thumbnails first: whoever sees the cover can also load them.
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
