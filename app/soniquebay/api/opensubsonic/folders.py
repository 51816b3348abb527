"""Browsing by folders, as they lie on the disk.

A folder has no row in the library, so its id is its path below the folder of music, encoded: `fo-1-QmVlcw`. The path of
the folder of music itself is told to nobody.
"""

import base64
import binascii
import re
import sqlite3
from dataclasses import dataclass
from typing import Any

from soniquebay.api.opensubsonic import elements, ids
from soniquebay.api.opensubsonic.browsing import albums_of, index, tracks_of
from soniquebay.api.opensubsonic.call import Call, Content, Handler
from soniquebay.api.opensubsonic.elements import Element
from soniquebay.api.opensubsonic.formats import iso_time, known
from soniquebay.api.opensubsonic.parameters import integer
from soniquebay.library.browsing import folders
from soniquebay.library.paths import encode

_ID = re.compile(r"fo-([1-9][0-9]{0,3})(?:-([A-Za-z0-9_-]{1,8000}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder below one of the folders of music (`root`, counted from 1); "" is that itself."""

    root: int
    path: str = ""
    """Encoded, below the root, without slashes at its ends."""

    @property
    def id(self) -> str:
        """Its id for clients."""
        if not self.path:
            return f"fo-{self.root}"
        return f"fo-{self.root}-{base64.urlsafe_b64encode(self.path.encode()).rstrip(b'=').decode()}"

    @property
    def above(self) -> "Folder | None":
        """The folder in which it lies."""
        return Folder(self.root, self.path.rpartition("/")[0]) if self.path else None


def parse(text: str) -> Folder:
    """Return the folder of an id. Raises `SubsonicError` for what is none."""
    match = _ID.fullmatch(text)
    if match is None:
        raise ids.not_found()
    encoded = match[2] or ""
    try:
        path = base64.b64decode(encoded + "=" * (-len(encoded) % 4), b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise ids.not_found() from error
    return Folder(int(match[1]), path)


def _read(call: Call, folder: Folder) -> tuple[list[tuple[Folder, sqlite3.Row]], list[int]]:
    """Return the folders in a folder, each with the first track below it, and the ids of its tracks."""
    root = _root(call, folder.root)
    found = folders.read(call.library, f"{root}/{folder.path}" if folder.path else root)
    inner = [(Folder(folder.root, f"{folder.path}/{name}".lstrip("/")), first) for name, first in found.folders]
    return inner, found.track_ids


def _root(call: Call, number: int) -> str:
    roots = call.services.settings.music
    if number > len(roots):
        raise ids.not_found()
    return encode(str(roots[number - 1])).rstrip("/")


def _name(call: Call, folder: Folder) -> str:
    return folder.path.rpartition("/")[2] or _root(call, folder.root).rpartition("/")[2] or "Music"


def _music_folders(call: Call) -> Content:
    numbers = range(1, len(call.services.settings.music) + 1)
    return {"musicFolders": {"musicFolder": [{"id": n, "name": _name(call, Folder(n))} for n in numbers]}}


def _indexes(call: Call) -> Content:
    """Return the folders in the folders of music as artists, which is what older clients show first."""
    given = call.parameters
    modified = int(1000 * folders.last_change(call.library))
    since = given.text("ifModifiedSince")
    common = {"ignoredArticles": elements.IGNORED_ARTICLES, "lastModified": modified}
    if since and integer("ifModifiedSince", since) >= modified:
        return {"indexes": {**common, "index": [], "child": []}}
    number = given.text("musicFolderId")
    roots = [integer("musicFolderId", number)] if number else range(1, len(call.services.settings.music) + 1)
    artists: list[Element] = []
    track_ids: list[int] = []
    for root in roots:
        if root < 1:
            raise ids.not_found()
        found, in_root = _read(call, Folder(root))
        artists += [{"id": folder.id, "name": _name(call, folder)} for folder, _ in found]
        track_ids += in_root
    return {"indexes": {**common, "index": index(artists), "child": elements.songs(call, track_ids)}}


def _music_directory(call: Call) -> Content:
    text = call.parameters.required("id")
    if text.startswith("fo-"):
        return {"directory": _directory(call, parse(text))}
    kind, number = ids.parse(text, ("album", "artist"))
    if kind == "album":
        album = elements.album(call, number)
        return {"directory": _as_directory(album, album["artistId"], elements.songs(call, tracks_of(call, number)))}
    albums = [elements.album_folder(album) for album in elements.albums(call, albums_of(call, number))]
    return {"directory": _as_directory(elements.artist(call, number), None, albums)}


def _as_directory(element: Element, parent: str | None, children: list[Element]) -> dict[str, Any]:
    names = ("id", "name", "starred", "userRating", "playCount")
    return known({**{name: element.get(name) for name in names}, "parent": parent, "child": children})


def _directory(call: Call, folder: Folder) -> dict[str, Any]:
    found, track_ids = _read(call, folder)
    if not found and not track_ids and folder.path:
        raise ids.not_found()
    children = [_child(call, inner, first, folder.id) for inner, first in found]
    children += [{**song, "parent": folder.id} for song in elements.songs(call, track_ids)]
    above = folder.above
    return known({"id": folder.id, "parent": above and above.id, "name": _name(call, folder), "child": children})


def _child(call: Call, folder: Folder, first: sqlite3.Row, parent: str) -> Element:
    cover = ("album", first["album_id"], first["cover"]) if first["cover"] else None
    fields = {
        "id": folder.id,
        "parent": parent,
        "isDir": True,
        "title": _name(call, folder),
        "artist": first["artist"],
        "coverArt": ids.of_cover(cover),
        "created": iso_time(first["added_at"]),
    }
    return known(fields)


METHODS: dict[str, Handler] = {
    "getMusicFolders": _music_folders,
    "getIndexes": _indexes,
    "getMusicDirectory": _music_directory,
}
