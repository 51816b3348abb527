"""Reading a companion: a small text file, in whatever encoding."""

import codecs
import os
import stat

from soniquebay.audio.open_flags import READ_FLAGS
from soniquebay.audio.reading.text import are_doubtful, decode_unmarked

MAX_COMPANION_BYTES = 256 * 1024  # a sheet of 99 tracks has some 20 KiB
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class CompanionError(ValueError):
    """A companion cannot be used. The text is the reason that people see."""


def read_text(path: str, tag_encoding: str = "") -> tuple[str, bool]:
    """Return the text of the file at `path` (Python's file-system string), and whether its code page is doubtful.

    UTF-8 and UTF-16 are recognised by their byte order mark, UTF-8 also without one. Else the text is in
    `tag_encoding`, else in Windows-1252. Raises `CompanionError`.
    """
    return decode_text(_read(path), tag_encoding)


def _read(path: str) -> bytes:
    try:
        descriptor = os.open(path, READ_FLAGS)
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise CompanionError("it is not a regular file")
            if status.st_size > MAX_COMPANION_BYTES:
                raise CompanionError(f"it is larger than {MAX_COMPANION_BYTES // 1024} KiB")
            return os.read(descriptor, MAX_COMPANION_BYTES)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise CompanionError(f"it cannot be read: {error.strerror or error}") from error


def decode_text(data: bytes, tag_encoding: str = "") -> tuple[str, bool]:
    """Return the text of a companion's bytes, as `read_text` does."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.removeprefix(mark).decode(encoding, "replace"), False
    if b"\0" in data:
        raise CompanionError("it is not text")
    text, unsure = decode_unmarked(data.decode("latin-1"), tag_encoding)
    return text, bool(unsure) and are_doubtful(unsure.splitlines())
