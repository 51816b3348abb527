"""Where the pictures of albums, discs, tracks and artists lie: the candidates in order, and the first that is usable.

Paths are Python's file-system strings. A folder that cannot be read has no pictures.
"""

import hashlib
import logging
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from soniquebay.audio.file_names import is_audio
from soniquebay.audio.picture_decoding import UnusablePictureError
from soniquebay.audio.picture_names import (
    AlbumNames,
    FolderContent,
    album_pictures,
    artist_pictures,
    disc_of_folder,
    disc_pictures,
    is_picture,
    is_picture_folder,
    track_pictures,
    whole_disc_pictures,
)
from soniquebay.audio.pictures import Picture, read_picture

log = logging.getLogger(__name__)

_KEY_EDGE_BYTES = 4096


@dataclass(slots=True)
class Folders:
    """The contents of folders, each of which is listed once."""

    _contents: dict[str, FolderContent] = field(default_factory=dict)

    def content(self, folder: str) -> FolderContent:
        """Return the names in a folder."""
        if folder not in self._contents:
            self._contents[folder] = _list(folder)
        return self._contents[folder]


def _list(folder: str) -> FolderContent:
    content = FolderContent()
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if is_picture(entry.name):
                    if entry.is_file():  # opening a pipe would block for ever
                        content.pictures.append(entry.name)
                elif is_audio(entry.name):
                    content.audio.append(entry.name)
                elif entry.is_dir():
                    content.folders.append(entry.name)
    except OSError:
        return FolderContent()
    return content


def album_candidates(folders: Folders, tracks: Iterable[str], album: AlbumNames) -> list[str]:
    """Return the picture files that may be an album's cover, the best first.

    `tracks`: the album's audio files in their order. Their folders are searched, and below each a folder of scans. If a
    folder is that of one disc, the album's folder above it comes first.
    """
    return [path for folder in _album_folders(tracks) for path in _covers_of_folder(folders, folder, album)]


def disc_candidates(folders: Folders, tracks: Iterable[str], disc_no: int) -> list[str]:
    """Return the picture files of one disc of a set of several, the best first.

    `tracks`: the audio files of the disc.
    """
    candidates = []
    for folder in _folders_of(tracks):
        is_disc = disc_of_folder(PurePath(folder).name) is not None
        above = str(PurePath(folder).parent) if is_disc else folder
        candidates += _join(above, disc_pictures(folders.content(above), disc_no))
        if is_disc:
            candidates += _covers_of_folder(folders, folder, AlbumNames())
            candidates += _join(folder, whole_disc_pictures(folders.content(folder)))
    return candidates


def track_candidates(folders: Folders, track: str) -> list[str]:
    """Return the picture files beside an audio file that are called as it is."""
    path = PurePath(track)
    return _join(str(path.parent), track_pictures(folders.content(str(path.parent)), path.name))


def artist_candidates(folders: Folders, folder: str, artist: str, *, is_artists: bool) -> list[str]:
    """Return the pictures in a folder that show an artist, the best first.

    `is_artists`: the folder is the artist's, so that its pictures are, unless they are an album's.
    """
    return _join(folder, artist_pictures(folders.content(folder), artist, is_artists=is_artists))


def _folders_of(tracks: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(str(PurePath(track).parent) for track in tracks))


def _album_folders(tracks: Iterable[str]) -> list[str]:
    folders = _folders_of(tracks)
    above = [str(PurePath(folder).parent) for folder in folders if disc_of_folder(PurePath(folder).name) is not None]
    return list(dict.fromkeys([*above, *folders]))


def _covers_of_folder(folders: Folders, folder: str, album: AlbumNames) -> list[str]:
    content, name = folders.content(folder), PurePath(folder).name
    covers = _join(folder, album_pictures(content, name, album))
    for subfolder in sorted(filter(is_picture_folder, content.folders)):
        path = os.path.join(folder, subfolder)  # noqa: PTH118 - file-system strings
        covers += _join(path, album_pictures(folders.content(path), name, album))
    return covers


def _join(folder: str, names: Iterable[str]) -> list[str]:
    return [os.path.join(folder, name) for name in names]  # noqa: PTH118 - file-system strings


def first_picture(candidates: Iterable[str]) -> Picture | None:
    """Return the first of some picture files that can be shown."""
    for path in candidates:
        try:
            return read_picture(Path(path))
        except (UnusablePictureError, OSError) as error:
            log.info("picture skipped: %r: %s", path, error)
    return None


def picture_key(data: bytes) -> int:
    """Return 63 bits by which two embedded pictures are told apart: of the size, and of the beginning and the end."""
    edges = data[:_KEY_EDGE_BYTES] + data[-_KEY_EDGE_BYTES:]
    digest = hashlib.blake2b(len(data).to_bytes(8, "big") + edges, digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
