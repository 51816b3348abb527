"""APEv2 tags by mutagen, also those at the end of MP3 and AAC (wiki.hydrogenaud.io, "APEv2 specification")."""

import struct
from typing import BinaryIO

import mutagen
from mutagen.apev2 import BINARY, TEXT, APEv2

from soniquebay.audio.reading.raw import RawTags

_FOOTER_BYTES = 32
_HAS_HEADER = 1 << 31
_FRONT_COVER = 3
_ID3V1_BYTES = 128
_LYRICS3_END = b"LYRICS200"
TAIL_BYTES = _FOOTER_BYTES + _ID3V1_BYTES  # what has to be known of a file's end to tell whether it may have such a tag


def may_have_ape(tail: bytes) -> bool:
    """Return whether the last `TAIL_BYTES` of a file show an APEv2 tag, or a Lyrics3 tag, before which one may be."""
    before_id3v1 = tail[-TAIL_BYTES:-_ID3V1_BYTES]
    footers = (tail[-_FOOTER_BYTES:], before_id3v1)
    return any(footer.startswith(b"APETAGEX") for footer in footers) or before_id3v1.endswith(_LYRICS3_END)


def ape_bytes(tail: bytes) -> int:
    """Return the size in bytes of the APEv2 tag that the last `TAIL_BYTES` of a file show; 0 if they show none."""
    for footer in (tail[-_FOOTER_BYTES:], tail[-TAIL_BYTES:-_ID3V1_BYTES]):
        if footer.startswith(b"APETAGEX") and len(footer) == _FOOTER_BYTES:
            size, _, flags = struct.unpack_from("<III", footer, 12)
            return int(size) + (_FOOTER_BYTES if flags & _HAS_HEADER else 0)
    return 0


def read_ape(file: BinaryIO) -> tuple[RawTags | None, bool]:
    """Return the APEv2 tag of a file, and whether it has a picture; None if there is none to be read."""
    try:
        tag = APEv2(file)
    except mutagen.MutagenError:
        return None, False
    tags = {key.lower(): list(value) for key, value in tag.items() if value.kind == TEXT}
    has_picture = any(value.kind == BINARY and key.lower().startswith("cover art") for key, value in tag.items())
    return RawTags("ape", tags), has_picture


def ape_pictures(file: BinaryIO) -> list[tuple[int, bytes]]:
    """Return type (as in ID3) and data of the pictures in a file's APEv2 tag. An item is a name, NUL and the data."""
    try:
        tag = APEv2(file)
    except mutagen.MutagenError:
        return []
    found = []
    for key, value in tag.items():
        if value.kind == BINARY and key.lower().startswith("cover art"):
            data = bytes(value.value)
            found.append((_FRONT_COVER if "front" in key.lower() else 0, data.partition(b"\0")[2] or data))
    return found
