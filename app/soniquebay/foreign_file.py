"""Opening files where others can write: no link is followed, no pipe is waited for, and only regular files are read."""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class NotAFileError(OSError):
    """Something else has the name of a file: a link, a folder, a pipe."""


def open_folder(path: bytes | os.PathLike[str]) -> int:
    """Return a descriptor of a folder that is none behind a link. Raises ``OSError``."""
    return os.open(path, _FLAGS | os.O_DIRECTORY)


def open_file(path: str | Path, folder: int | None = None) -> BinaryIO:
    """Open a regular file to read it; `folder`: an open one in which its name is looked for.

    Raises `NotAFileError`, ``FileNotFoundError`` and other ``OSError``.
    """
    try:
        descriptor = os.open(path, _FLAGS, dir_fd=folder)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise NotAFileError(f"{path} is a link") from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotAFileError(f"{path} is no file")
    return os.fdopen(descriptor, "rb")


def read_foreign(path: Path, max_bytes: int) -> bytes:
    """Return the content of a regular file. Raises ``OSError``, also when the file is larger."""
    with open_file(path) as file:
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise OSError(errno.EFBIG, f"larger than {max_bytes} bytes", str(path))
    return content
