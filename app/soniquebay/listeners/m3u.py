"""Playlists as files: M3U8, which is M3U in UTF-8."""

from collections.abc import Iterable
from pathlib import Path

from soniquebay.library import paths
from soniquebay.listeners.marks import Entry


def m3u8(name: str, entries: Iterable[Entry], roots: Iterable[Path]) -> bytes:
    """Return a playlist as a file. Paths are relative to the root that they lie in, and their bytes stay as they are.

    Entries without a file are in it, too: the file may come back. A path with a line break has no place in the format.
    """
    folders = sorted((bytes(root).rstrip(b"/") + b"/" for root in roots), key=len, reverse=True)
    lines = [b"#EXTM3U", f"#PLAYLIST:{_line(name)}".encode("utf-8", "replace")]
    for entry in entries:
        path = paths.decode(entry.path)
        if b"\n" in path or b"\r" in path:
            continue
        who = f"{entry.artist} - " if entry.artist else ""
        lines.append(f"#EXTINF:{round(entry.duration)},{_line(who + entry.title)}".encode("utf-8", "replace"))
        lines.append(_relative(path, folders))
    return b"\n".join(lines) + b"\n"


def _line(text: str) -> str:
    return " ".join(text.split())


def _relative(path: bytes, folders: Iterable[bytes]) -> bytes:
    folder = next((f for f in folders if path.startswith(f)), b"")
    relative = path[len(folder) :]
    return b"./" + relative if relative.startswith((b"#", b" ")) else relative
