r"""One encoding of file paths for messages, JSON and the database.

A path is bytes. Valid UTF-8 stays readable; a byte that is not becomes ``\xNN`` and a backslash is doubled, so each
path has exactly one text and back, and the text is always valid UTF-8 (a surrogate escape would not survive JSON).
"""

import os
import re
from typing import AnyStr

_ESCAPE = re.compile(rb"\\(\\|x[0-9a-f]{2})")


def encode(path: bytes | str) -> str:
    """Return the text of a path given as bytes or as Python's file-system string."""
    return os.fsencode(path).replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")


def decode(text: str) -> bytes:
    """Return the bytes of a path written by `encode`; ``ValueError`` if no path has that text."""

    def unescape(match: re.Match[bytes]) -> bytes:
        code = match[1]
        return b"\\" if code == b"\\" else bytes([int(code[1:], 16)])

    raw = _ESCAPE.sub(unescape, text.encode("utf-8"))
    if encode(raw) != text:
        raise ValueError(f"not an encoded path: {text!r}")
    return raw


def is_within(path: AnyStr, folder: AnyStr) -> bool:
    """Tell whether an absolute path is a folder, or lies below it; both as bytes or both as text."""
    separator = b"/" if isinstance(path, bytes) else "/"
    return path == folder or path.startswith(folder.rstrip(separator) + separator)


def is_there(path: str) -> bool:
    """Tell whether a plain path leads to something that can be looked at; False for whatever a dying drive answers."""
    return os.path.exists(path)  # noqa: PTH110 - Path.exists raises some of these answers
