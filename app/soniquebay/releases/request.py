"""What the API and root's program of updates tell each other by files: a request, that it is being served, a refusal.

The API runs without privileges and writes the request into its own folder. Root writes the rest beside the releases,
where nobody else can write.
"""

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

from soniquebay import foreign_file
from soniquebay.atomic_file import replace_file

UPDATE_FOLDER = "update"  # in the folder of the data; it also has what was uploaded
REQUEST_FILE = "request.json"
LOCK_FILE, REFUSAL_FILE = ".update.lock", "update-refused.json"  # in the folder of the releases
MAX_REQUEST_BYTES = 16 << 10
# A request that waits for longer is not taken: the unit of root is not there, or has failed.
TAKEN_SECONDS = 30.0
LOCK_SECONDS = 10.0  # the API holds the lock for an instant, when it looks whether root does


@dataclass(frozen=True)
class Running:
    """A request that root's program is serving."""

    version: str
    at: float
    """Unix time at which it began."""


@dataclass(frozen=True)
class Refusal:
    """Why the last request came to nothing, before anything was changed."""

    version: str
    reason: str
    at: float
    """Unix time."""


class RequestError(Exception):
    """A request is not as the API writes it."""


class BusyError(Exception):
    """Another request is being served."""


def write(data: Path, archive: bytes) -> None:
    """Ask for the installation of an archive. Raises ``OSError``."""
    folder = data / UPDATE_FOLDER
    folder.mkdir(mode=0o750, exist_ok=True)
    content = json.dumps({"archive": os.fsdecode(archive)}).encode("ascii")
    replace_file(folder / REQUEST_FILE, content, 0o640)


def take(data: Path) -> bytes | None:
    """Return the path of the archive that is asked for, and remove the request; None if there is none.

    Raises `RequestError`. The folder is the API's own, so nothing there is trusted: not even that it is a folder.
    """
    try:
        folder = foreign_file.open_folder(data / UPDATE_FOLDER)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RequestError(f"{data / UPDATE_FOLDER} is no folder") from error
    try:
        with foreign_file.open_file(REQUEST_FILE, folder) as file:
            return _path_in(file.read(MAX_REQUEST_BYTES))
    except FileNotFoundError:
        return None
    except foreign_file.NotAFileError as error:
        raise RequestError(f"the request cannot be read: {error}") from error
    finally:
        with contextlib.suppress(FileNotFoundError, IsADirectoryError):
            os.unlink(REQUEST_FILE, dir_fd=folder)
        os.close(folder)


def _path_in(content: bytes) -> bytes:
    try:
        told: Any = json.loads(content)
        return os.fsencode(told["archive"])
    except (ValueError, KeyError, TypeError) as error:
        raise RequestError("the request names no archive") from error


def waits(data: Path) -> bool:
    """Tell whether a request waits to be taken."""
    return _age(data) is not None


def is_stuck(data: Path) -> bool:
    """Tell whether a request has waited for so long that nobody takes it."""
    age = _age(data)
    return age is not None and age > TAKEN_SECONDS


def _age(data: Path) -> float | None:
    try:
        return time.time() - (data / UPDATE_FOLDER / REQUEST_FILE).lstat().st_ctime
    except OSError:
        return None


@contextmanager
def serving(root: Path) -> Iterator[TextIO]:
    """Keep other requests away while the body serves one. Raises `BusyError`. `root`: the folder of the releases.

    The kernel ends the lock with the process, so nothing is left of one that was killed.
    """
    with (root / LOCK_FILE).open("a+", encoding="ascii") as lock:
        os.fchmod(lock.fileno(), 0o644)
        deadline = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    raise BusyError("another update is being installed: wait for its end") from error
                time.sleep(0.1)
        lock.truncate(0)
        yield lock


def note_serving(lock: TextIO, version: str) -> None:
    """Say which version is being installed, to who looks at the lock."""
    json.dump(asdict(Running(version, time.time())), lock)
    lock.flush()


def running(root: Path) -> Running | None:
    """Return the request that is being served. Raises nothing when there is no such machine."""
    try:
        with (root / LOCK_FILE).open(encoding="ascii") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return _running_in(lock.read(MAX_REQUEST_BYTES))
    except (OSError, UnicodeError):
        pass
    return None


def _running_in(text: str) -> Running:
    try:
        return Running(**json.loads(text))
    except (ValueError, TypeError):  # it is about to be written
        return Running("", time.time())


def note_refusal(root: Path, version: str, reason: str) -> None:
    """Keep why a request has come to nothing. Raises ``OSError``."""
    content = json.dumps(asdict(Refusal(version, reason, time.time())))
    replace_file(root / REFUSAL_FILE, content.encode("ascii"), 0o644)


def forget_refusal(root: Path) -> None:
    """Forget the last refusal."""
    (root / REFUSAL_FILE).unlink(missing_ok=True)


def refusal(root: Path) -> Refusal | None:
    """Return why the last request has come to nothing."""
    try:
        return Refusal(**json.loads((root / REFUSAL_FILE).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
