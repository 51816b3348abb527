"""Quick readers of plain MP3, FLAC, Ogg and MP4 files.

A first scan reads each file, and most of them are alike: one tag system, text in a stated encoding, a header that tells
the length. For these mutagen makes an object of each value, which is most of what it costs. The readers here go through
the bytes once and leave whatever is not plain to mutagen. Where they answer, they answer as `mutagen_reader` does.
"""

import os
import stat
import struct
from collections.abc import Callable

from soniquebay.audio.open_flags import READ_FLAGS
from soniquebay.audio.reading.quick import flac, mp3, mp4, ogg
from soniquebay.audio.reading.quick.source import NotPlainError, Source
from soniquebay.audio.reading.raw import RawContent

_SUFFIXES = (".mp3", ".flac", ".ogg", ".oga", ".opus", ".m4a", ".m4b", ".m4r", ".mp4")
_READERS: dict[bytes, Callable[[Source], RawContent]] = {b"fLaC": flac.read, b"OggS": ogg.read}


def read(path: str) -> RawContent | None:
    """Return what a plain file says; None for any other, also for one that cannot be read."""
    if not path.lower().endswith(_SUFFIXES):
        return None
    try:
        descriptor = os.open(path, READ_FLAGS)
    except (OSError, ValueError):  # ValueError: a NUL in the path
        return None
    try:
        status = os.fstat(descriptor)
        return _read(Source(descriptor, status.st_size)) if stat.S_ISREG(status.st_mode) else None
    except (NotPlainError, OSError, ValueError, IndexError, struct.error):
        # The file ends early, or a text is not in the encoding that it states.
        return None
    finally:
        os.close(descriptor)


def _read(source: Source) -> RawContent:
    head = source.head
    reader = _READERS.get(head[:4]) or (mp4.read if head[4:8] == b"ftyp" else mp3.read)
    return reader(source)
