"""Whether the disk with the data can be written, and what a person can do when it cannot."""

import errno
import os
import sqlite3
from pathlib import Path
from typing import Literal

StorageProblem = Literal["disk_full", "read_only"]
MIN_FREE_DISK_BYTES = 1 << 20  # with less, the database's writes fail or soon will
STATUS: dict[StorageProblem | None, int] = {"disk_full": 507, "read_only": 503, None: 503}
PRIMARY_CODE = 0xFF  # of an extended error code of SQLite
_BY_SQLITE: dict[int, StorageProblem] = {sqlite3.SQLITE_FULL: "disk_full", sqlite3.SQLITE_READONLY: "read_only"}
_BY_ERRNO: dict[int, StorageProblem] = {
    errno.ENOSPC: "disk_full",
    errno.EDQUOT: "disk_full",
    errno.EROFS: "read_only",
}
_FOR_LISTENERS: dict[StorageProblem | None, str] = {
    "disk_full": "the disk is full, so nothing can be saved: whoever manages this appliance has to make room on it",
    "read_only": "the disk can only be read, so nothing can be saved: whoever manages this appliance has to restart it",
    None: "the appliance cannot read or write its data now; its log says why",
}


def problem_of(folder: Path) -> StorageProblem | None:
    """Look whether the disk of a folder can be written; None if so, or if it cannot be asked."""
    try:
        status = os.statvfs(folder)
    except OSError:
        return None
    if status.f_flag & os.ST_RDONLY:
        return "read_only"
    return "disk_full" if status.f_bavail * status.f_frsize < MIN_FREE_DISK_BYTES else None


def cause_of(error: Exception, folder: Path) -> StorageProblem | None:
    """Return why a request could not use the database or a file of the folder with the data; None for another cause."""
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", 0) & PRIMARY_CODE
        # SQLite calls it an input/output error when it finds no room for its shared memory, or cannot open a new file.
        is_vague = code in {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}
        return _BY_SQLITE.get(code) or (problem_of(folder) if is_vague else None)
    return _BY_ERRNO.get(getattr(error, "errno", None) or 0)


def sentence(problem: StorageProblem, folder: Path) -> str:
    """Say what is wrong with the disk of a folder, and what to do, to those who manage the appliance."""
    if problem == "disk_full":
        return f"the disk is full, so nothing can be saved: make room on the disk of {folder}, or use a larger one"
    return (
        "the disk can only be read, so nothing can be saved: restart the machine; if that does not help, replace the "
        f"card, or check the permissions of {folder}"
    )


def sentence_for_listeners(problem: StorageProblem | None) -> str:
    """Say what is wrong without paths of the machine, to those who do not manage it."""
    return _FOR_LISTENERS[problem]
