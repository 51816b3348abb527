"""Reading a file in a folder that another user owns: that user may have put anything in its place."""

import errno
import os
import stat
from pathlib import Path


def read_foreign(path: Path, max_bytes: int) -> bytes:
    """Return the content of a regular file. No link is followed, and no pipe is waited for.

    Raises ``OSError``, also when the file is larger, or is no regular file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", str(path))
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(max_bytes + 1)
    finally:
        os.close(descriptor)
    if len(content) > max_bytes:
        raise OSError(errno.EFBIG, f"larger than {max_bytes} bytes", str(path))
    return content
