"""Redis' append-only files before it starts: damaged ones are set aside, because the ledger can send everything again.

Redis ends at its start when they are damaged, and would do so for ever. A torn end is no damage: Redis cuts it off.
"""

import contextlib
import errno
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import BinaryIO

from soniquebay.atomic_file import replace_file
from soniquebay.foreign_file import read_foreign

FOLDER = "appendonlydir"
_MANIFEST = "appendonly.aof.manifest"
_SET_ASIDE = re.compile(rf"{FOLDER}\.damaged-(\d+)")

CHECK_TIMEOUT_SECONDS = 60.0
# What the check does not find, as a command that Redis does not know: so often Redis may end before it is ready.
MAX_DEAD_STARTS = 2
MAX_LINE_BYTES = 64  # of a number in these files
MAX_KEPT_BYTES = 256 << 20  # of files that are set aside; larger ones are deleted
MAX_NOTICE_CHARACTERS = 1000
MAX_NOTICE_BYTES = 16384

# Beside Redis' socket: they end with the run of the machine.
SET_ASIDE_NOTICE = "soniquebay-set-aside"
TROUBLE_NOTICE = "soniquebay-trouble"
STARTS = "soniquebay-starts"


def prepare(data: Path, notices: Path) -> str | None:
    """Have the files in Redis' folder `data` such that Redis starts with them; return a sentence when that is news.

    The sentence is also kept in the folder `notices`, for `read_notices`.
    """
    _delete(notices / TROUBLE_NOTICE)
    trouble = _trouble(data)
    if trouble is None and (why := _damage(data / FOLDER) or _dead_starts(data, notices)):
        try:
            kept = _set_aside(data)
        except OSError as error:
            trouble = (
                f"Redis' files in {data} are damaged and cannot be set aside ({error.strerror}), so nothing is "
                f"scanned. Delete the folder {data / FOLDER}; if that fails as well, replace the card."
            )
        else:
            return _note(
                notices / SET_ASIDE_NOTICE,
                f"Redis' files were damaged ({why}), so Redis began empty; {kept} Nothing is lost: what was not done "
                "is sent again. If it happens more than once, replace the card.",
            )
    return None if trouble is None else _note(notices / TROUBLE_NOTICE, trouble)


def ready(notices: Path) -> None:
    """Forget the starts that were counted, and what was in the way: Redis has read its files."""
    for name in (STARTS, TROUBLE_NOTICE):
        _delete(notices / name)


def read_notices(notices: Path) -> list[str]:
    """Return the sentences that `prepare` has kept."""
    found = []
    for name in (TROUBLE_NOTICE, SET_ASIDE_NOTICE):
        with contextlib.suppress(OSError):
            content = read_foreign(notices / name, MAX_NOTICE_BYTES)
            found.append(content.decode("utf-8", "replace")[:MAX_NOTICE_CHARACTERS].strip())
    return found


def notices_folder(url: str) -> Path | None:
    """Return the folder of the notices of the Redis at a URL; None when it is not on a Unix socket."""
    return Path(url.removeprefix("unix://")).parent if url.startswith("unix://") else None


def _trouble(data: Path) -> str | None:
    """Return a sentence when nothing can be written in Redis' folder."""
    test = data / ".soniquebay-test"
    try:
        test.write_bytes(b"test")
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            return f"The disk of {data} is full, so Redis cannot start and nothing is scanned. Free some space."
        return (
            f"Redis cannot write in {data} ({error.strerror}), so it cannot start and nothing is scanned. Restart the "
            "machine; if it stays so, the card is worn: replace it."
        )
    finally:
        _delete(test)
    return None


def _damage(folder: Path) -> str | None:
    """Return what is wrong with the append-only files; None: nothing, or nothing but a torn end."""
    program, manifest = shutil.which("redis-check-aof"), folder / _MANIFEST
    if program is None or not manifest.exists():
        return None
    try:
        check = subprocess.run(
            [program, str(manifest)], check=False, capture_output=True, timeout=CHECK_TIMEOUT_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return None  # Redis itself will tell
    if check.returncode == 0:
        return None
    output = check.stdout.decode("utf-8", "replace")
    analysed = re.findall(r"filename=([^,/]+), size=\d+, ok_up_to=(\d+),", output)
    last = _last_file(manifest)
    if last and analysed and analysed[-1][0] == last and _is_torn(folder / last, int(analysed[-1][1])):
        return None
    return f"{analysed[-1][0]}, from byte {analysed[-1][1]}" if analysed else "the first file, or the list of files"


def _last_file(manifest: Path) -> str | None:
    """Return the name of the file at whose end Redis was writing, by the list of files."""
    try:
        names = re.findall(rb"^file (\S+) ", manifest.read_bytes(), re.MULTILINE)
    except OSError:
        return None
    return os.fsdecode(names[-1]) if names else None


def _is_torn(path: Path, start: int) -> bool:
    """Tell whether an append-only file ends within a command, and has only whole commands before, from byte `start`."""
    try:
        with path.open("rb") as file:
            file.seek(start)
            while True:
                for _ in range(_number(file, b"*")):
                    file.seek(_number(file, b"$"), os.SEEK_CUR)
                    end = file.read(2)
                    if len(end) < 2:
                        return True
                    if end != b"\r\n":
                        return False
    except EOFError:
        return True
    except (ValueError, OSError):
        return False


def _number(file: BinaryIO, sign: bytes) -> int:
    """Read a line of a sign and a number. Raises ``EOFError`` when the file ends before the line, ``ValueError``."""
    line = file.readline(MAX_LINE_BYTES)
    if len(line) < MAX_LINE_BYTES and not line.endswith(b"\n"):
        raise EOFError
    if not line.startswith(sign):
        raise ValueError(line)
    number = int(line[1:])
    if number < 0:
        raise ValueError(line)
    return number


def _dead_starts(data: Path, notices: Path) -> str | None:
    """Count this start. Return why the files count as damaged after too many starts at which Redis was not ready."""
    try:
        starts = int((notices / STARTS).read_text("ascii"))
    except (OSError, ValueError):
        starts = 0
    with contextlib.suppress(OSError):
        (notices / STARTS).write_text(str(starts + 1))
    if starts < MAX_DEAD_STARTS or not (data / FOLDER).exists():
        return None
    ready(notices)  # the files are no longer there, so the next starts count anew
    return f"Redis ended {starts} times while it read them"


def _set_aside(data: Path) -> str:
    """Rename the folder of the files, and keep only this one; say what became of it. Raises ``OSError``."""
    earlier = {int(match[1]): path for path in data.iterdir() if (match := _SET_ASIDE.fullmatch(path.name))}
    aside = data / f"{FOLDER}.damaged-{max(earlier, default=0) + 1}"
    (data / FOLDER).rename(aside)
    for path in earlier.values():
        shutil.rmtree(path, ignore_errors=True)
    size = sum(file.stat().st_size for file in aside.iterdir())
    if size > MAX_KEPT_BYTES or shutil.disk_usage(data).free < size:
        shutil.rmtree(aside, ignore_errors=True)
        return "they were too large to be kept."
    return f"they are kept in {aside}."


def _note(file: Path, sentence: str) -> str:
    with contextlib.suppress(OSError):
        replace_file(file, f"{sentence}\n".encode(), 0o644)
    return sentence


def _delete(file: Path) -> None:
    with contextlib.suppress(OSError):
        file.unlink()
