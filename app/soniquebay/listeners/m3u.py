"""Playlists as files: M3U8, which is M3U in UTF-8."""

from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote_from_bytes

from soniquebay.library import paths
from soniquebay.listeners.marks import Entry

_CONTROL_CHARACTERS = bytes([*range(32), 127])


def m3u8(name: str, entries: Iterable[Entry], roots: Iterable[Path]) -> bytes:
    """Return a playlist as a file. Paths are relative to the root that they lie in, and their bytes stay as they are.

    Entries without a file are in it, too: the file may come back.
    """
    folders = sorted((bytes(root).rstrip(b"/") + b"/" for root in roots), key=len, reverse=True)
    lines = [b"#EXTM3U", f"#PLAYLIST:{_line(name)}".encode("utf-8", "replace")]
    for entry in entries:
        who = f"{entry.artist} - " if entry.artist else ""
        lines.append(f"#EXTINF:{round(entry.duration)},{_line(who + entry.title)}".encode("utf-8", "replace"))
        lines.append(_path_line(paths.decode(entry.path), folders))
    return b"\n".join(lines) + b"\n"


def _line(text: str) -> str:
    return " ".join(text.split())


def _path_line(path: bytes, folders: Iterable[bytes]) -> bytes:
    if any(byte in _CONTROL_CHARACTERS for byte in path):  # a line cannot hold it, but a URL can
        return b"file://" + quote_from_bytes(path).encode()
    folder = next((f for f in folders if path.startswith(f)), b"")
    relative = path[len(folder) :]
    return b"./" + relative if relative.startswith((b"#", b" ")) else relative
