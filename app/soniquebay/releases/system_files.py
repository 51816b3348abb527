"""The files of the system that belong to a release: units, users, settings of Redis, of the kernel and of the boot.

They are outside of the release's folder. A release brings them as `FileSet`, which the roles render. `plan` compares it
with the machine, and `Change` says for each path what was there and what shall be there. So a change can be made or
undone again and again, and a loss of power in the middle of it does no harm.
"""

import glob
import grp
import os
import pwd
import shutil
import stat
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from soniquebay.atomic_file import sync_folder

MAX_FILE_BYTES = 1 << 20
BOOT_PARTITION = "/boot/firmware/"  # its file system is FAT, which has no owners and modes
State = dict[str, Any] | None
"""What is at a path: None for nothing, else `link` (its target), `content` (base64) or neither for a folder; with
`mode`, `owner` and `group` (names, or numbers without a name) except for a link."""


@dataclass(frozen=True)
class FileSet:
    """The system files of one release."""

    files: Mapping[str, dict[str, Any]]
    """Path -> entry as the Ansible module file_set takes it. `edited: keep`: a file that was edited stays as it is."""
    absent: list[str] = field(default_factory=list)
    """Patterns of files that must not exist."""
    commands: list[dict[str, Any]] = field(default_factory=list)
    """Each with `run`, a command (list of words), for when a path has changed that begins with one of `paths`."""
    packages: list[str] = field(default_factory=list)
    """Debian packages that the release needs."""
    enabled: list[str] = field(default_factory=list)
    """Units to enable."""

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "FileSet":
        """Return the set that a release or a playbook tells. Raises ``click.ClickException`` for a relative path."""
        files = {entry["path"]: entry for entry in told["files"]}
        for path in files:
            if not path.startswith("/") or os.path.normpath(path) != path:
                raise click.ClickException(f"a release cannot write {path!r}: it is no absolute path")
        more = {name: told.get(name, []) for name in ("absent", "commands", "packages", "enabled")}
        return cls(files, **more)


@dataclass(frozen=True)
class Change:
    """One path that an upgrade changes."""

    path: str
    old: State
    new: State


def plan(target: FileSet, bases: Iterable[FileSet], *, keeps_edited: bool) -> tuple[list[Change], list[str]]:
    """Return what has to change on the machine, and the paths that stay because somebody has edited or removed them.

    `bases`: what releases before may have written; a file that is like in none of them was edited. With `keeps_edited`
    all of these stay, else those whose entry says so. Raises ``click.ClickException``.
    """
    known = list(bases)
    changes: list[Change] = []
    kept: list[str] = []
    for path, entry in target.files.items():
        now, wanted = _state(path), _wanted(entry)
        if _is_the_same(path, now, wanted) or (entry.get("state") == "touch" and now is not None):
            continue
        may_keep = (keeps_edited or entry.get("edited") == "keep") and _content(wanted) is not None
        if may_keep and _is_edited(path, now, known):
            kept.append(path)
        else:
            changes.append(Change(path, now, wanted))
    changes += [Change(path, _state(path), None) for path in _obsolete(target, known)]
    return changes, kept


def is_at(path: str, state: State) -> bool:
    """Tell whether a path is what `state` says. Raises ``click.ClickException`` for what is no file."""
    return _is_the_same(path, _state(path), state)


def write(path: str, state: State) -> None:
    """Make a path what `state` says, by a rename. It is on the disk when this returns.

    Raises ``OSError``; ``LookupError`` when there is no such owner.
    """
    target = Path(path)
    if state is None:
        if target.parent.is_dir():
            target.unlink(missing_ok=True)
            sync_folder(target.parent)
        return
    _make_parents(target)
    if _content(state) is None:
        target.mkdir(exist_ok=True)
        _set_attributes(target, state)
        sync_folder(target.parent)
        return
    new = target.with_name(f".{target.name}.soniquebay-new")
    new.unlink(missing_ok=True)
    if "link" in state:
        new.symlink_to(state["link"])
    else:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(b64decode(state["content"]))
            if not path.startswith(BOOT_PARTITION):
                _set_attributes(new, state)
            file.flush()
            os.fsync(descriptor)
    new.replace(target)
    sync_folder(target.parent)


def _state(path: str) -> State:
    target = Path(path)
    try:
        found = target.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISLNK(found.st_mode):
        return {"link": str(target.readlink())}
    state: dict[str, Any] = {
        "mode": stat.S_IMODE(found.st_mode),
        "owner": _user_name(found.st_uid),
        "group": _group_name(found.st_gid),
    }
    if stat.S_ISREG(found.st_mode) and found.st_size <= MAX_FILE_BYTES:
        state["content"] = b64encode(target.read_bytes()).decode()
    elif not stat.S_ISDIR(found.st_mode):
        raise click.ClickException(f"{target} is no regular file, or too large: move it away, then upgrade")
    return state


def _wanted(entry: Mapping[str, Any]) -> State:
    """Return what an entry of a set asks for."""
    if entry.get("link") is not None:
        return {"link": entry["link"]}
    is_folder = entry.get("state") == "directory"
    state: dict[str, Any] = {
        "mode": int(entry.get("mode") or ("0755" if is_folder else "0644"), 8),
        "owner": entry.get("owner") or "root",
        "group": entry.get("group") or "root",
    }
    if not is_folder:
        state["content"] = b64encode((entry.get("content") or "").encode()).decode()
    return state


def _is_the_same(path: str, now: State, wanted: State) -> bool:
    if path.startswith(BOOT_PARTITION) and _content(now) is not None:
        return _content(now) == _content(wanted)
    return now == wanted


def _content(state: State) -> tuple[str, str] | None:
    """Return what a file holds or a link points to; None for a folder and for nothing."""
    if state is None:
        return None
    return next(((kind, state[kind]) for kind in ("link", "content") if kind in state), None)


def _is_edited(path: str, now: State, known: list[FileSet]) -> bool:
    """Tell whether somebody has changed or removed what a release wrote, or made what no release has written."""
    written = [base.files[path] for base in known if path in base.files]
    if now is None:
        return bool(written)
    return all(_content(_wanted(entry)) != _content(now) for entry in written)


def _obsolete(target: FileSet, known: list[FileSet]) -> Iterator[str]:
    """Yield the paths that releases before wrote, that nobody has edited, and that this one does not have."""
    for pattern in target.absent:
        yield from sorted(glob.glob(pattern))  # noqa: PTH207  a whole path, which Path.glob refuses
    for path in sorted({path for base in known for path in base.files} - set(target.files)):
        now = _state(path)
        if _content(now) is not None and not _is_edited(path, now, known):
            yield path


def _make_parents(path: Path) -> None:
    if not path.parent.is_dir():
        _make_parents(path.parent)
        path.parent.mkdir()
        path.parent.chmod(0o755)


def _set_attributes(path: Path, state: Mapping[str, Any]) -> None:
    shutil.chown(path, state["owner"], state["group"])  # first: a change of owner clears bits of the mode
    path.chmod(state["mode"])


def _user_name(number: int) -> str | int:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return number


def _group_name(number: int) -> str | int:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return number
