"""Vorbis comments by mutagen, as far as the limit of `MAX_COMMENTS`."""

from functools import cache
from typing import Any, BinaryIO

from mutagen import _vorbis
from mutagen.flac import FLAC, VCFLACDict

MAX_COMMENTS = 4_096
_FRAMING_BIT = 1


class _Limited:
    """How a class of mutagen reads comments: each as mutagen itself does, and no more than the limit."""

    def load(self, file: BinaryIO, errors: str = "replace", framing: bool = True) -> None:
        comments: Any = self
        start = file.tell()
        try:
            file.seek(_uint32(file), 1)  # the vendor
            count = _uint32(file)
            for number in range(min(count, MAX_COMMENTS)):
                text = file.read(_uint32(file)).decode("utf-8", errors)
                name, separator, value = text.partition("=")
                if not separator:
                    name, value = f"unknown{number}", text
                name = name.encode("ascii", errors).decode("ascii")
                if _vorbis.is_valid_key(name):
                    comments.append((name, value))
            if count > MAX_COMMENTS:
                self.skip_rest(file, start)
            elif framing and not file.read(1)[0] & _FRAMING_BIT:
                raise _vorbis.VorbisUnsetFrameError("framing bit was unset")
        except (EOFError, IndexError) as error:
            raise _vorbis.error("file is not a valid Vorbis comment") from error

    def skip_rest(self, file: BinaryIO, start: int) -> None:
        """Go behind the comments, which began at `start`: in Ogg nothing comes there."""


class _LimitedInFlac(_Limited):
    def load(self, file: BinaryIO, errors: str = "replace", framing: bool = False) -> None:
        super().load(file, errors, framing)

    def skip_rest(self, file: BinaryIO, start: int) -> None:
        file.seek(start - 3)  # the size in the header of the block
        file.seek(int.from_bytes(file.read(3), "big"), 1)


def _uint32(file: BinaryIO) -> int:
    data = file.read(4)
    if len(data) < 4:
        raise EOFError
    return int.from_bytes(data, "little")


@cache
def limited_comments(kind: type) -> Any:
    """Return a class of mutagen that reads the comments of an Ogg stream, with the limit."""
    return type(kind.__name__, (_Limited, kind), {})


class _FlacComments(_LimitedInFlac, VCFLACDict):  # type: ignore[misc]
    pass


class LimitedFLAC(FLAC):
    """A FLAC file as mutagen reads it, with the limit."""

    METADATA_BLOCKS = [_FlacComments if kind is VCFLACDict else kind for kind in FLAC.METADATA_BLOCKS]  # noqa: RUF012
