"""Vorbis comments and blocks of FLAC by mutagen, as far as `MAX_COMMENTS` and as far as they are intact."""

import struct
from functools import cache
from typing import Any, BinaryIO

from mutagen import MutagenError, _vorbis
from mutagen.flac import FLAC, CueSheet, Picture, VCFLACDict

MAX_COMMENTS = 4_096
_MAX_COMMENT_BYTES = 1 << 26  # a picture may be in one


class _Limited:
    """How a class of mutagen reads comments: each as mutagen itself does, and no more than the limit."""

    def load(self, file: BinaryIO, errors: str = "replace", framing: bool = True) -> None:
        comments: Any = self
        start = file.tell()
        try:
            file.seek(_uint32(file), 1)  # the vendor
            count = _uint32(file)
            for number in range(min(count, MAX_COMMENTS)):
                text = _read(file, _uint32(file)).decode("utf-8", errors)
                name, separator, value = text.partition("=")
                if not separator:
                    name, value = f"unknown{number}", text
                name = name.encode("ascii", errors).decode("ascii")
                if _vorbis.is_valid_key(name):
                    comments.append((name, value))
            is_read = count <= MAX_COMMENTS
        except (EOFError, MutagenError):
            is_read = False  # broken tags do not make the music unreadable
        if not is_read:
            self.skip_rest(file, start)

    def skip_rest(self, file: BinaryIO, start: int) -> None:
        """Go behind the comments, which began at `start`: in Ogg nothing comes there."""


class _LimitedInFlac(_Limited):
    def load(self, file: BinaryIO, errors: str = "replace", framing: bool = False) -> None:
        super().load(file, errors, framing)

    def skip_rest(self, file: BinaryIO, start: int) -> None:
        _go_behind_block(file, start)


def _go_behind_block(file: BinaryIO, start: int) -> None:
    """Go behind the metadata block of FLAC whose content began at `start`."""
    file.seek(start - 3)  # the size in the header of the block
    file.seek(int.from_bytes(file.read(3), "big"), 1)


def _uint32(file: BinaryIO) -> int:
    return int.from_bytes(_read(file, 4), "little")


def _read(file: BinaryIO, size: int) -> bytes:
    """Return so many bytes. Raises `EOFError` where there are less."""
    data = file.read(size) if size <= _MAX_COMMENT_BYTES else b""
    if len(data) < size:
        raise EOFError
    return data


@cache
def limited_comments(kind: type) -> Any:
    """Return a class of mutagen that reads the comments of an Ogg stream, with the limit."""
    return type(kind.__name__, (_Limited, kind), {})


class _FlacComments(_LimitedInFlac, VCFLACDict):  # type: ignore[misc]
    pass


class _FlacPicture(Picture):
    def load(self, data: BinaryIO) -> None:
        start = data.tell()
        try:
            super().load(data)
        except (MutagenError, struct.error):
            self.data = b""
            _go_behind_block(data, start)


class _FlacCueSheet(CueSheet):
    def load(self, data: BinaryIO) -> None:
        try:
            super().load(data)
        except (MutagenError, struct.error):
            self.tracks = []


_READERS: dict[Any, Any] = {VCFLACDict: _FlacComments, Picture: _FlacPicture, CueSheet: _FlacCueSheet}


class LimitedFLAC(FLAC):
    """A FLAC file as mutagen reads it, with the limit."""

    METADATA_BLOCKS = [_READERS.get(kind, kind) for kind in FLAC.METADATA_BLOCKS]  # noqa: RUF012
