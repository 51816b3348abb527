r"""One encoding of file paths for messages, JSON and the database.

A path is bytes. Valid UTF-8 stays readable, an invalid byte becomes ``\xNN``, and a backslash is doubled. So every path
has exactly one encoded form, which is always valid UTF-8 (Python's surrogate escapes would not survive JSON).
"""

import os
import re
from collections.abc import Iterable
from typing import AnyStr

_ESCAPE = re.compile(rb"\\(\\|x[0-9a-f]{2})")


def encode(path: bytes | str) -> str:
    """Return the encoded form of a path, given as bytes or as Python's file-system string."""
    return os.fsencode(path).replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")


def decode(text: str) -> bytes:
    """Return the bytes of an encoded path. Raises ``ValueError`` when `encode` returns this text for no path."""
    if "\\" not in text:  # most paths
        return text.encode("utf-8")

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


def path_exists(path: str) -> bool:
    """Tell whether a path (Python's file-system string) exists; False on any I/O error of a dying drive."""
    return os.path.exists(path)  # noqa: PTH110 - Path.exists raises some of these errors


def has_entries(folder: str | None) -> bool:
    """Tell whether an encoded folder has any entry; an unplugged drive has none."""
    try:
        with os.scandir(decode(folder or "")) as entries:
            return any(True for _ in entries)
    except OSError:
        return False


def outermost(folders: Iterable[str]) -> tuple[str, ...]:
    """Return folders in sorted order, without those that lie below another one of them."""
    result: list[str] = []
    for folder in sorted(set(folders)):
        if not any(is_within(folder, outer) for outer in result):
            result.append(folder)
    return tuple(result)
