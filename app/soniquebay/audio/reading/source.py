"""Opening an audio file: what kind it is, told by its content, and one reason for whatever goes wrong."""

import errno
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePath
from typing import BinaryIO, Literal

import mutagen

from soniquebay.audio.reading.errors import UnavailableFileError, UnreadableAudioError
from soniquebay.audio.reading.id3 import ID3_HEADER_BYTES, tag_size
from soniquebay.audio.reading.reasons import DAMAGED, reason_of

log = logging.getLogger(__name__)

Kind = Literal[
    "aac", "ac3", "aiff", "ape", "asf", "dsdiff", "dsf", "flac", "matroska", "mp4", "mpeg", "musepack", "ogg", "tta",
    "wav", "wavpack",
]  # fmt: skip

_HEADER_BYTES = 128
_MAX_ID3_TAGS = 8  # Windows Media Player writes one after the other
# Formats that allow nothing before their beginning.
_FIRST_IN_FILE: frozenset[Kind] = frozenset({"aiff", "asf", "dsdiff", "dsf", "matroska", "mp4", "ogg", "wav"})
_MPEG_SUFFIXES = {".mp1", ".mp2", ".mp3", ".mpga", ".aac"}
_KINDS: dict[bytes, Kind] = {
    b"fLaC": "flac",
    b"OggS": "ogg",
    b"RIFF": "wav",
    b"RF64": "wav",
    b"BW64": "wav",
    b"riff": "wav",
    b"FORM": "aiff",
    b"FRM8": "dsdiff",
    b"DSD ": "dsf",
    b"wvpk": "wavpack",
    b"MAC ": "ape",
    b"MPCK": "musepack",
    b"TTA1": "tta",
    b"ADIF": "aac",
    b"\x1aE\xdf\xa3": "matroska",
    b"\x30\x26\xb2\x75": "asf",
}
_SHORT_BEGINS: tuple[tuple[bytes, Kind], ...] = ((b"MP+", "musepack"), (b"\x0b\x77", "ac3"))
_MP4_FIRST_BOXES = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"}
# What other files begin with that have the name of a supported format.
_OTHER_KINDS = {
    b"MThd": "holds MIDI notes and no sound",
    b"caff": "is a Core Audio file, which is not supported",
    b".snd": "is a Sun audio file, which is not supported",
    b"#!AMR": "is an AMR recording, which is not supported",
    b".RMF": "is a RealAudio file, which is not supported",
    b".ra\xfd": "is a RealAudio file, which is not supported",
    b"OFR ": "is an OptimFROG file, which is not supported",
    b"tBaK": "is a TAK file, which is not supported",
    b"ajkg": "is a Shorten file, which is not supported",
    b"#EXTM3U": "is a playlist",
    b"<!DOCTYPE": "is a web page",
    b"<html": "is a web page",
}


@dataclass(slots=True)
class Source:
    """An opened audio file; `file` is at its beginning."""

    file: BinaryIO
    size: int  # bytes
    suffix: str  # of its name, in lower case
    kind: Kind
    start: int  # where the sound's own format begins, behind ID3v2 tags
    header: bytes  # the first bytes there

    @property
    def descriptor(self) -> int:
        """The file descriptor."""
        return self.file.fileno()

    def read_at(self, offset: int, size: int) -> bytes:
        """Return bytes from an offset; fewer where the file ends. The position of `file` stays."""
        return os.pread(self.descriptor, max(0, min(size, self.size - offset)), offset)


@contextmanager
def opened(path: str) -> Iterator[Source]:
    """Open the audio file at `path` (Python's file-system string); the content decides what it is, not the name.

    While it is open, too, every error becomes `UnavailableFileError` when the file cannot be read, and
    `UnreadableAudioError` in all other cases.
    """
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - what Path does beside it costs time
            yield _source(file, PurePath(path).suffix.lower())
    except UnreadableAudioError:
        raise
    except mutagen.MutagenError as error:
        # mutagen wraps an OSError, whose text is the one that people understand.
        cause = error.args[0] if error.args else error
        if isinstance(cause, OSError) and cause.strerror:
            raise _of_system(cause) from error
        raise UnreadableAudioError(reason_of(error, path)) from error
    except OSError as error:
        raise _of_system(error) from error
    except Exception as error:
        # mutagen raises all kinds of errors on damaged data; such a file must be a failure, not the end of its batch.
        log.info("%r: %s: %s", path, type(error).__name__, error)
        raise UnreadableAudioError(DAMAGED) from error


def _of_system(error: OSError) -> UnreadableAudioError:
    if error.errno == errno.EINVAL:
        return UnreadableAudioError(DAMAGED)  # a position before the file, which the file states
    return UnavailableFileError(f"cannot be read: {error.strerror or error}")


def _source(file: BinaryIO, suffix: str) -> Source:
    size = os.fstat(file.fileno()).st_size
    header = file.read(_HEADER_BYTES)
    file.seek(0)
    start = 0
    for _ in range(_MAX_ID3_TAGS):
        tag_bytes = tag_size(header)
        if not tag_bytes:
            break
        if start + tag_bytes > size:
            if suffix not in _MPEG_SUFFIXES:
                raise UnreadableAudioError("not readable as audio: its ID3 tag states to be larger than the file")
            start += ID3_HEADER_BYTES  # its size is wrong, so the sound is somewhere behind
            header = b""
            break
        start += tag_bytes
        header = os.pread(file.fileno(), _HEADER_BYTES, start)
    kind = _kind(header, suffix, has_id3=start > 0)
    if kind is None:
        reason = next((text for begin, text in _OTHER_KINDS.items() if header.startswith(begin)), None)
        raise UnreadableAudioError(reason or "not a supported audio format")
    if start and kind in _FIRST_IN_FILE:
        raise UnreadableAudioError(
            "has an ID3 tag before its beginning, where its format allows none: remove the tag with a tag editor"
        )
    return Source(file, size, suffix, kind, start, header)


def _kind(header: bytes, suffix: str, *, has_id3: bool) -> Kind | None:
    """Return the kind by the first bytes, or by the name where these tell nothing."""
    kind = _KINDS.get(header[:4]) or next((kind for begin, kind in _SHORT_BEGINS if header.startswith(begin)), None)
    if kind is None and header[4:8] in _MP4_FIRST_BOXES:
        kind = "mp4"
    if kind is None and header[:1] == b"\xff" and header[1:2] >= b"\xe0":
        kind = "aac" if header[1] & 0xF6 == 0xF0 else "mpeg"
    # Before the first frame of MPEG there may be anything.
    may_be_mpeg = (has_id3 or suffix in _MPEG_SUFFIXES) and not any(map(header.startswith, _OTHER_KINDS))
    if kind is None and may_be_mpeg:
        kind = "aac" if suffix == ".aac" else "mpeg"
    return kind
