"""Reading playlists in files: M3U, M3U8 and PLS, of any program, system and encoding."""

import codecs
import json
import os.path
import re
import sqlite3
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from soniquebay.audio.reading.text import clean, decode_unmarked
from soniquebay.library import paths
from soniquebay.listeners.playlists import MAX_ENTRIES, MAX_NAME_CHARACTERS

MAX_FILE_BYTES = 8 << 20  # 20,000 entries of 400 bytes
MAX_PATHS_OF_ENTRY = 100  # that are looked up; a path of ten folders and its spellings are some 50
MAX_FILES_BELOW_FOLDER = 2_000  # whose names are compared; below the folder of music is everything
_PATHS_OF_QUERY = 5_000

_LINE_END = re.compile(rb"[\r\n]+")
_PLS_ENTRY = re.compile(rb"file(\d{1,9})[ \t]*=(.*)", re.IGNORECASE | re.DOTALL)
_URL = re.compile(rb"([a-z][a-z0-9+.-]+):", re.IGNORECASE)  # two letters at least: one is a drive
_FILE_URL = re.compile(rb"file:(?://[^/\\]*(?=[/\\]))?", re.IGNORECASE)
_DRIVE = re.compile(rb"/?[a-z]:(?=/)", re.IGNORECASE)
_UTF_16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


class NotAPlaylistError(ValueError):
    """A file is no playlist of files. The text says why."""


@dataclass(frozen=True, slots=True)
class PlaylistFile:
    """What a file says: the name of the playlist, if any, and where its entries are, as they are spelt."""

    name: str | None
    locations: list[bytes]
    streams: int
    """How many entries are no files but addresses in the internet; they are not among the locations."""


def parse(data: bytes, tag_encoding: str = "") -> PlaylistFile:
    """Read a file. `tag_encoding` is that of the settings, for a name that is not UTF-8. Raises `NotAPlaylistError`."""
    if len(data) > MAX_FILE_BYTES:
        raise NotAPlaylistError(f"it is larger than {MAX_FILE_BYTES >> 20} MiB")
    lines = [line.strip(b" \t") for line in _LINE_END.split(_as_bytes_of_lines(data))]
    lines = [line for line in lines if line]
    if lines and lines[0].lower() == b"[playlist]":
        name, locations = None, _pls_locations(lines)
    else:
        if any(line.startswith(b"#EXT-X-") for line in lines):
            raise NotAPlaylistError("it is a stream in parts (HLS)")
        name = next((line.partition(b":")[2] for line in lines if line.upper().startswith(b"#PLAYLIST:")), None)
        locations = [line for line in lines if not line.startswith(b"#")]
    locations = [_unquoted(location) for location in locations]
    files = [location for location in locations if _is_file(location)]
    if len(files) > MAX_ENTRIES:
        raise NotAPlaylistError(f"it has more than {MAX_ENTRIES} entries")
    text = decode_unmarked(name.decode("latin-1"), tag_encoding)[0] if name else ""
    return PlaylistFile(clean(text, MAX_NAME_CHARACTERS) or None, files, len(locations) - len(files))


def _as_bytes_of_lines(data: bytes) -> bytes:
    for mark, encoding in _UTF_16.items():
        if data.startswith(mark):
            return data.removeprefix(mark).decode(encoding, "replace").encode("utf-8", "replace")
    if b"\0" in data:
        raise NotAPlaylistError("it is not text")
    return data.removeprefix(codecs.BOM_UTF8)


def _pls_locations(lines: Iterable[bytes]) -> list[bytes]:
    found = [(int(match[1]), match[2].strip(b" \t")) for line in lines if (match := _PLS_ENTRY.fullmatch(line))]
    return [location for _, location in sorted(found, key=lambda entry: entry[0]) if location]


def _unquoted(location: bytes) -> bytes:
    return location[1:-1] if len(location) > 2 and location[:1] == location[-1:] == b'"' else location


def _is_file(location: bytes) -> bool:
    scheme = _URL.match(location)
    return scheme is None or scheme[1].lower() == b"file" or b"//" not in location[scheme.end() : scheme.end() + 2]


def paths_of(location: bytes, folder: bytes, roots: Sequence[bytes], tag_encoding: str = "") -> list[bytes]:
    """Return the absolute paths that a location may mean, the most likely one first.

    `folder`: that of the playlist. An absolute path of another machine is looked for below each of `roots`, with ever
    fewer of its folders.
    """
    found: dict[bytes, None] = {}
    for spelling in _spellings(location, tag_encoding):
        if spelling.startswith(b"/") or _DRIVE.match(spelling):
            if spelling.startswith(b"/"):
                found[_normal(spelling)] = None
            parts = [part for part in spelling.split(b"/") if part not in {b"", b".", b".."}]
            for first in range(len(parts)):
                found.update((_normal(b"/".join([root, *parts[first:]])), None) for root in roots)
        else:
            found[_normal(folder + b"/" + spelling)] = None
            found.update((_normal(root + b"/" + spelling), None) for root in roots)
    return list(found)[:MAX_PATHS_OF_ENTRY]


def _spellings(location: bytes, tag_encoding: str) -> Iterator[bytes]:
    """Yield a location as bytes of this system's paths: as it is, without URL, with slashes, in UTF-8."""
    url = _FILE_URL.match(location)
    forms = [unquote_to_bytes(location[url.end() :])] if url else [location]
    if not url and re.search(rb"%[0-9a-fA-F]{2}", location):
        forms.append(unquote_to_bytes(location))
    forms += [form.replace(b"\\", b"/") for form in forms if b"\\" in form]
    for form in forms:
        yield form
        if not form.isascii():
            text = decode_unmarked(form.decode("latin-1"), tag_encoding)[0]
            for normal_form in ("NFC", "NFD"):  # macOS writes decomposed names
                yield unicodedata.normalize(normal_form, text).encode("utf-8", "replace")


def _normal(path: bytes) -> bytes:
    return b"/" + os.path.normpath(path).lstrip(b"/")


def find_tracks(db: sqlite3.Connection, candidates: Sequence[Sequence[bytes]]) -> list[list[int]]:
    """Return the tracks of each entry, whose possible paths are given, from a reader; none where there is no file.

    A file that is divided by a cue sheet has several. A name may differ in capitals and in the form of its accents.
    """
    encoded = [[paths.encode(path) for path in entry] for entry in candidates]
    known = _tracks_at(db, {path for entry in encoded for path in entry})
    folders: dict[str, dict[str, str]] = {}
    found = []
    for entry in encoded:
        path = next((path for path in entry if path in known), None)
        if path is None:
            path = next((same for path in entry if (same := _same_name(db, path, folders))), None)
            if path is not None:
                known.update(_tracks_at(db, [path]))
        found.append(known.get(path or "", []))
    return found


def _tracks_at(db: sqlite3.Connection, wanted: Iterable[str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    wanted = list(wanted)
    for first in range(0, len(wanted), _PATHS_OF_QUERY):
        for row in db.execute(
            "SELECT t.path, t.id FROM json_each(?) j CROSS JOIN library.tracks t ON t.path = j.value "
            "WHERE NOT t.superseded ORDER BY t.path, t.part",
            (json.dumps(wanted[first : first + _PATHS_OF_QUERY]),),
        ):
            found.setdefault(row["path"], []).append(row["id"])
    return found


def _same_name(db: sqlite3.Connection, path: str, folders: dict[str, dict[str, str]]) -> str | None:
    folder = path.rpartition("/")[0] + "/"
    if folder not in folders:
        rows = db.execute(
            "SELECT path FROM library.tracks WHERE path > ? AND path < ? AND NOT superseded LIMIT ?",
            (folder, folder[:-1] + "0", MAX_FILES_BELOW_FOLDER + 1),  # "0" follows "/"
        ).fetchall()
        if len(rows) > MAX_FILES_BELOW_FOLDER:
            rows = []
        folders[folder] = {_folded(row["path"]): row["path"] for row in rows}
    return folders[folder].get(_folded(path))


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()
