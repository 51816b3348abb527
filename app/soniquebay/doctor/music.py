"""The folders of music: there, not empty, readable for the worker; and the drives on which tracks were found."""

import grp
import os
import pwd
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

from soniquebay.doctor.finding import Finding, may_not_look, needs_root, ok, unknown, wrong
from soniquebay.doctor.surroundings import Surroundings
from soniquebay.library.database import open_read_only
from soniquebay.library.left_out import folder_reason
from soniquebay.library.paths import decode
from soniquebay.library.reconcile import known_roots

MAX_LOOKED_AT_FOLDERS = 2000  # of each root, so that a doctor on a large library ends within seconds
_PLUG_IN = "Plug in the drive with the music, or copy music into the folder; then: soniquebay scan"


def folders(around: Surroundings) -> Iterator[Finding]:
    """Check that each root is there and holds something."""
    for root in around.settings.music:
        try:
            # the mount points of absent drives are empty folders
            found = any(not entry.is_dir() or any(os.scandir(entry.path)) for entry in _scanned(root))
        except FileNotFoundError:
            yield wrong(
                f"The folder of music {root} does not exist.",
                f"Make it (sudo mkdir {root}), or correct SONIQUEBAY_MUSIC.",
            )
        except NotADirectoryError:
            yield wrong(f"{root} is no folder.", "Correct SONIQUEBAY_MUSIC.")
        except OSError as error:
            if may_not_look(error):
                yield needs_root(f"What is in {root} may not be read by this user.")
                continue
            yield wrong(
                f"The folder of music {root} cannot be read: {error.strerror}.", "Check the drive on another machine."
            )
        else:
            yield ok(f"{root} holds files.") if found else wrong(f"The folder of music {root} is empty.", _PLUG_IN)


def drives(around: Surroundings) -> Iterator[Finding]:
    """Check that each root in which a scan has found files is still there."""
    try:
        with open_read_only(around.settings.database) as db:
            roots = [Path(os.fsdecode(decode(path))) for path in known_roots(db)]
    except sqlite3.Error:
        if os.access(around.settings.database, os.R_OK):
            yield unknown("The library does not tell where music was found.")
        else:
            yield needs_root("The library, which tells where music was found, may not be read by this user.")
        return
    for root in roots:
        try:
            is_gone = not any(_entries(root))
        except OSError as error:
            if may_not_look(error):
                yield needs_root(f"{root} may not be read by this user.")
                continue
            is_gone = True
        if is_gone:
            yield wrong(
                f"The drive at {root}, on which music was found, is missing; its tracks stay as they are.",
                "Plug it in. If it is gone for good: soniquebay scan --confirm-removal",
            )
        else:
            yield ok(f"{root} is there.")


def rights(around: Surroundings) -> Iterator[Finding]:
    """Check that the worker may read the folders."""
    worker = around.worker()
    for root in around.settings.music:
        hidden = next(_unreadable(root, worker), None)
        if hidden is None:
            yield ok(f"The worker may read the folders in {root}.")
        else:
            yield wrong(
                f"The worker may not read {hidden}.",
                "Let everybody read it: sudo chmod -R a+rX, with the folder's name. On FAT, exFAT and NTFS pull the "
                "drive out and plug it in again: the appliance mounts it readable.",
            )


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        yield from entries


def _scanned(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Yield what lies in a folder, without the folders that no scan enters, as `lost+found`."""
    return (entry for entry in _entries(folder) if not (entry.is_dir() and folder_reason(entry.name)))


def _unreadable(root: Path, worker: pwd.struct_passwd | None) -> Iterator[Path]:
    for parent in reversed(root.parents):
        if not _may(parent, worker, stat.S_IXOTH):
            yield root
            return
    waiting, looked_at = [root], 0
    while waiting and looked_at < MAX_LOOKED_AT_FOLDERS:
        folder = waiting.pop()
        looked_at += 1
        if not _may(folder, worker, stat.S_IROTH | stat.S_IXOTH):
            yield folder
            continue
        try:
            waiting += [Path(entry.path) for entry in _scanned(folder) if entry.is_dir(follow_symlinks=False)]
        except OSError:
            continue


def _may(folder: Path, user: pwd.struct_passwd | None, bits: int) -> bool:
    """Tell whether a user has rights on a folder (bits of others), by its mode; without a user, this one."""
    try:
        status = folder.stat()
    except PermissionError:
        return user is not None  # not to be told by this user
    except OSError:
        return True
    if user is None:
        return os.access(folder, (os.R_OK if bits & stat.S_IROTH else 0) | os.X_OK)
    if status.st_uid == user.pw_uid:
        bits <<= 6
    elif status.st_gid == user.pw_gid or user.pw_name in _members(status.st_gid):
        bits <<= 3
    return status.st_mode & bits == bits


def _members(gid: int) -> list[str]:
    try:
        return list(grp.getgrgid(gid).gr_mem)
    except KeyError:
        return []
