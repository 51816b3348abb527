"""Browsing by folders, as they lie on the disk.

A folder has no row in the library, so its id is its path below the folder of music, encoded: `fo-1-QmVlcw`. The path of
the folder of music itself is told to nobody.
"""

import base64
import binascii
import re
import sqlite3
from dataclasses import dataclass, field
from typing import Any

from soniquebay.api.opensubsonic import elements, ids
from soniquebay.api.opensubsonic.browsing import albums_of, index, tracks_of
from soniquebay.api.opensubsonic.call import Call, Content, Handler
from soniquebay.api.opensubsonic.elements import Element
from soniquebay.api.opensubsonic.formats import iso_time, known
from soniquebay.api.opensubsonic.parameters import integer
from soniquebay.library.catalogue.sort_keys import sort_key
from soniquebay.library.paths import encode

_ID = re.compile(r"fo-([1-9][0-9]{0,3})(?:-([A-Za-z0-9_-]{1,8000}))?", re.ASCII)
_FIRST_BELOW = """
SELECT t.path, t.id, t.credit AS artist, t.added_at, t.album_id, b.cover_sha256 AS cover
FROM tracks t LEFT JOIN albums b ON b.id = t.album_id
WHERE t.path >= ? AND t.path < ? AND t.missing_since IS NULL ORDER BY t.path LIMIT 1
"""


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


@dataclass(slots=True)
class Listing:
    """What lies in a folder: its folders, each with the first track below it, and its tracks."""

    folders: list[tuple[Folder, sqlite3.Row]] = field(default_factory=list)
    track_ids: list[int] = field(default_factory=list)


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


def read(call: Call, folder: Folder) -> Listing:
    """Return what lies in a folder. Each of its folders costs one step in the index of paths."""
    prefix = _root(call, folder.root) + "/" + (f"{folder.path}/" if folder.path else "")
    end = prefix[:-1] + "0"  # "0" follows "/"
    db, found, begin = call.library, Listing(), prefix
    while (row := db.execute(_FIRST_BELOW, (begin, end)).fetchone()) is not None:
        name, slash, _ = row["path"][len(prefix) :].partition("/")
        if slash:
            found.folders.append((Folder(folder.root, f"{folder.path}/{name}".lstrip("/")), row))
            begin = f"{prefix}{name}0"
        else:
            parts = db.execute(
                "SELECT id FROM tracks WHERE path = ? AND missing_since IS NULL ORDER BY part", (row["path"],)
            )
            found.track_ids += [part["id"] for part in parts]
            begin = row["path"] + "\0"
    found.folders.sort(key=lambda pair: sort_key(pair[0].path.rpartition("/")[2]))
    return found


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
    modified = _last_modified_ms(call)
    since = given.text("ifModifiedSince")
    common = {"ignoredArticles": elements.IGNORED_ARTICLES, "lastModified": modified}
    if since and integer("ifModifiedSince", since) >= modified:
        return {"indexes": {**common, "index": [], "child": []}}
    number = given.text("musicFolderId")
    roots = [integer("musicFolderId", number)] if number else range(1, len(call.services.settings.music) + 1)
    folders: list[Element] = []
    track_ids: list[int] = []
    for root in roots:
        if root < 1:
            raise ids.not_found()
        found = read(call, Folder(root))
        folders += [{"id": folder.id, "name": _name(call, folder)} for folder, _ in found.folders]
        track_ids += found.track_ids
    return {"indexes": {**common, "index": index(folders), "child": elements.songs(call, track_ids)}}


def _last_modified_ms(call: Call) -> int:
    row = call.library.execute("SELECT max(coalesce(finished_at, started_at)) FROM scan_sessions").fetchone()
    return int((row[0] or 0) * 1000)


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
    found = read(call, folder)
    if not found.folders and not found.track_ids and folder.path:
        raise ids.not_found()
    children = [_child(call, inner, first, folder.id) for inner, first in found.folders]
    children += [{**song, "parent": folder.id} for song in elements.songs(call, found.track_ids)]
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
