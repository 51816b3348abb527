"""Opening files where others can write: no link is followed, and nothing but a regular file is opened."""

import errno
import os
import stat
from typing import BinaryIO

from soniquebay.audio.open_flags import READ_FLAGS

_FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class NotAFileError(Exception):
    """Something else has the name of a file: a link, a folder, a pipe."""


def open_folder(path: bytes | os.PathLike[str]) -> int:
    """Return a descriptor of a folder that is none behind a link. Raises ``OSError``."""
    return os.open(path, _FOLDER_FLAGS)


def open_file(folder: int, name: str) -> BinaryIO:
    """Open a file of an open folder to read it. Raises `NotAFileError`, ``FileNotFoundError`` and other ``OSError``."""
    try:
        descriptor = os.open(name, READ_FLAGS | os.O_NOFOLLOW, dir_fd=folder)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise NotAFileError(f"{name} is a link") from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotAFileError(f"{name} is no file")
    return os.fdopen(descriptor, "rb")
