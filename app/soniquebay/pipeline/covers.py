"""`covers.*`: pictures of albums, discs, tracks and artists, from the files, else from the Cover Art Archive."""

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from soniquebay.audio import artwork
from soniquebay.audio.picture_decoding import UnusablePictureError
from soniquebay.audio.picture_format import THUMBNAIL_MEDIA_TYPES
from soniquebay.audio.picture_names import AlbumNames
from soniquebay.audio.pictures import Picture, decode_picture
from soniquebay.audio.reading.embedded import embedded_pictures
from soniquebay.audio.reading.errors import UnreadableAudioError
from soniquebay.library import artist_pictures, queries
from soniquebay.library.covers import digest_of, has_cover
from soniquebay.library.database import open_read_only
from soniquebay.library.enrichment import Lookup
from soniquebay.library.paths import decode, encode, has_entries, path_exists
from soniquebay.library.reconcile import innermost_root, known_roots
from soniquebay.online import coverart
from soniquebay.pipeline import library_api
from soniquebay.pipeline.online import OnlineTask, run_lookups
from soniquebay.pipeline.task import RECORD_FAILURE_MAX_WAIT_SECONDS, StageTask, stage
from soniquebay.settings import settings

log = logging.getLogger(__name__)

MAX_FILES_PER_ALBUM = 50  # that are opened for one album; the pictures of the others are most likely the same


class CoverTask(StageTask):
    """A task whose album or track keeps the cover that it has if it fails for good, until one of its files changes."""

    @staticmethod
    def record_failure(error: BaseException, arguments: dict[str, Any]) -> None:
        """Record that the album or track was searched."""
        kind = next(kind for kind in ("album", "track", "artist") if arguments.get(f"{kind}_id") is not None)
        path = f"/internal/covers/{kind}/{arguments[f'{kind}_id']}/failed"
        library_api.post(path, {}, RECORD_FAILURE_MAX_WAIT_SECONDS)


@stage("covers.extract", base=CoverTask)
def extract_cover(
    album_id: int | None = None, track_id: int | None = None, artist_id: int | None = None, **_: Any
) -> None:
    """Search the files of an album or a track, or the folders of an artist, for pictures, and store them.

    Messages of an older release have further arguments.
    """
    if album_id is not None:
        _extract_for_album(album_id)
    elif track_id is not None:
        _extract_for_track(track_id)
    elif artist_id is not None:
        _extract_for_artist(artist_id)


def _extract_for_album(album_id: int) -> None:
    with open_read_only(settings().database) as db:
        if has_cover(db, album_id):
            return  # an album whose files are in several batches is sent once for each
        album = queries.album_files(db, album_id, MAX_FILES_PER_ALBUM)
    if album is None:
        return _mark_failed("album", album_id)
    paths = [path for disc in album.discs.values() for path in disc]
    files, folders = [_file(path) for path in paths], artwork.Folders()
    embedded = EmbeddedPictures()
    keys = {path: key for path in album.pictured if (key := embedded.search(_file(path))) is not None}
    cover = embedded.first or artwork.first_picture(
        artwork.album_candidates(folders, files, AlbumNames(album.title, album.artist))
    )
    unavailable = next((path for path in (*album.pictured, *paths) if not path_exists(_file(path))), None)
    body = {
        "cover": _upload(cover),
        "discs": dict(_discs(folders, album.discs)),
        "picture_keys": keys,
        "unavailable_file": unavailable,
        "state": album.state,
    }
    library_api.put(f"/internal/covers/album/{album_id}", body)


def _discs(folders: artwork.Folders, discs: dict[int | None, list[str]]) -> Iterator[tuple[int, str]]:
    """Yield the number of each disc with a picture of its own, and the picture's SHA-256."""
    for disc_no, paths in discs.items() if len(discs) > 1 else ():
        if disc_no is not None:
            candidates = artwork.disc_candidates(folders, map(_file, paths), disc_no)
            digest = _upload(artwork.first_picture(candidates))
            if digest is not None:
                yield disc_no, digest


def _extract_for_track(track_id: int) -> None:
    with open_read_only(settings().database) as db:
        path = queries.track_path(db, track_id)
    if path is None:
        return _mark_failed("track", track_id)
    embedded = EmbeddedPictures()
    embedded.search(_file(path))
    picture = embedded.first or artwork.first_picture(artwork.track_candidates(artwork.Folders(), _file(path)))
    unavailable = None if path_exists(_file(path)) else path
    library_api.put(f"/internal/covers/track/{track_id}", {"cover": _upload(picture), "unavailable_file": unavailable})


def _extract_for_artist(artist_id: int) -> None:
    with open_read_only(settings().database) as db:
        roots = {*map(encode, map(str, settings().music)), *known_roots(db)}
        search = artist_pictures.search_of(db, artist_id, roots)
    if search is None:
        return _mark_failed("artist", artist_id)
    folders, picture, found_in = artwork.Folders(), None, None
    for place in search.places:
        folder = _file(place.folder)
        picture = artwork.first_picture(
            artwork.artist_candidates(folders, folder, search.name, is_artists=place.is_artists)
        )
        if picture is not None:
            found_in = place.folder
            break
    else:
        if any(not has_entries(innermost_root(place.folder, roots)) for place in search.places):
            return _mark_failed("artist", artist_id)  # an unplugged drive: the picture may be there
    body = {"picture": _upload(picture), "folder": found_in, "changes": search.changes}
    library_api.put(f"/internal/covers/artist/{artist_id}", body)


def _mark_failed(kind: str, item_id: int) -> None:
    library_api.post(f"/internal/covers/{kind}/{item_id}/failed", {})


def _file(path: str) -> str:
    return os.fsdecode(decode(path))


@dataclass
class EmbeddedPictures:
    """The pictures in some files, and `first`, the first of them that can be shown."""

    first: Picture | None = None
    _broken: set[int] = field(default_factory=set)

    def search(self, file: str) -> int | None:
        """Search a file; return the key of its best picture (see `artwork.picture_key`), or None without one."""
        pictures = _embedded_data(file)
        for data in pictures:
            if self.first is None and artwork.picture_key(data) not in self._broken:
                self._try(file, data)
        return artwork.picture_key(pictures[0]) if pictures else None

    def _try(self, file: str, data: bytes) -> None:
        try:
            self.first = decode_picture(data)
        except UnusablePictureError as error:
            self._broken.add(artwork.picture_key(data))  # most likely the other files hold it, too
            log.info("picture skipped: embedded in %r: %s", file, error)


def _embedded_data(file: str) -> list[bytes]:
    try:
        return embedded_pictures(file)
    except UnreadableAudioError as error:
        log.warning("no cover from %r: %s", file, error)
        return []


@stage("covers.fetch", base=OnlineTask)
def fetch_covers(items: list[Lookup]) -> None:
    """Fetch from the Cover Art Archive the covers that no file holds."""
    run_lookups("coverart", items, _fetch)


def _fetch(lookup: Lookup) -> None:
    picture = coverart.fetch_front_cover(str(lookup["mbid"]), lookup.get("group_mbid"))
    if picture is None:
        library_api.put("/internal/online/no-cover", lookup)
    else:
        _upload_thumbnails(picture, digest_of(picture.data))
        library_api.put_bytes(f"/internal/covers/{lookup['album_id']}", picture.data, picture.media_type)


def _upload(picture: Picture | None) -> str | None:
    """Store a picture through the API, and return its SHA-256."""
    if picture is None:
        return None
    digest = digest_of(picture.data)
    _upload_thumbnails(picture, digest)
    library_api.put_bytes(f"/internal/pictures/{digest}", picture.data, picture.media_type)
    return digest


def _upload_thumbnails(picture: Picture, digest: str) -> None:
    # Before the picture itself: whoever sees the cover can also load them.
    for thumbnails, suffix in ((picture.thumbnails, ".jpg"), (picture.webp_thumbnails, ".webp")):
        for size, data in thumbnails.items():
            library_api.put_bytes(f"/internal/thumbnails/{digest}/{size}", data, THUMBNAIL_MEDIA_TYPES[suffix])
