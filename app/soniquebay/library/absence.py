"""Why a file is in the library, or is not."""

import os
import sqlite3
import stat
from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

from soniquebay.audio.file_names import is_audio
from soniquebay.library.ignore_files import (
    IGNORE_FILE_NAMES,
    IgnoreFile,
    IgnoreFileError,
    IgnoreRules,
    load_ignore_file,
    rules_inside,
)
from soniquebay.library.left_out import reason_of_name
from soniquebay.library.paths import decode, encode, is_within

State = Literal["in_library", "folder", "failed", "left_out", "not_audio", "waiting", "not_there", "outside"]


def explain(db: sqlite3.Connection, path: str, roots: Sequence[str]) -> dict[str, Any]:
    """Return why an encoded path is in the library, or is not: the fields of `api.models.missing.Explanation`.

    `roots`: the encoded folders of music. Nothing outside of them is looked at. Raises ``ValueError`` for a text that
    is no encoded path, or is relative.
    """
    plain = os.fsdecode(decode(path))
    if not plain.startswith("/") or "\0" in plain or "/../" in f"{plain}/":
        raise ValueError(f"not an absolute path without “..”: {path}")
    path = encode(os.path.normpath(plain))
    above = [root for root in roots if is_within(path, root)]
    if not above:
        return _answer(path, "outside")
    track = db.execute("SELECT id, missing_since FROM tracks WHERE path = ? ORDER BY part LIMIT 1", (path,)).fetchone()
    if track is not None and track["missing_since"] is None:
        return _answer(path, "in_library", track_id=track["id"])
    found = _look(path, min(above, key=len), frozenset(roots))
    if found["state"] in {"waiting", "folder"} and (failure := _failure(db, path)):
        found = _answer(path, "failed", reason=failure["reason"], stage=failure["stage"])
    return {**found, "track_id": track and track["id"]}


def _answer(path: str, state: State, **more: Any) -> dict[str, Any]:
    return {"path": path, "state": state, "reason": None, "rule": None, "stage": None, "track_id": None, **more}


def _failure(db: sqlite3.Connection, path: str) -> sqlite3.Row | None:
    """Return the newest failure of a file, or of a folder above it in the last scan."""
    folders = [path[:end] for end, sign in enumerate(path) if sign == "/" and end]
    row: sqlite3.Row | None = db.execute(
        "SELECT stage, reason FROM failures WHERE path = ? ORDER BY session_id DESC LIMIT 1", (path,)
    ).fetchone()
    if row is None:
        row = db.execute(
            "SELECT stage, reason FROM failures WHERE session_id = (SELECT max(id) FROM scan_sessions) "
            f"AND path IN ({', '.join('?' * len(folders))})",
            folders,
        ).fetchone()
    return row


def _look(path: str, root: str, roots: frozenset[str]) -> dict[str, Any]:
    """Look for a path from its root down, as a walk does."""
    try:
        left_out = _left_out(path, root, roots)
        mode = os.stat(_plain(path)).st_mode  # noqa: PTH116 - Path.stat raises no other errors, and takes longer
    except (FileNotFoundError, NotADirectoryError):
        return _answer(path, "not_there")
    except OSError as error:
        return _answer(path, "failed", reason=f"cannot be read: {error.strerror or error}")
    if left_out:
        return _answer(path, "left_out", reason=left_out[0], rule=left_out[1])
    if stat.S_ISDIR(mode):
        return _answer(path, "folder")
    if not is_audio(_plain(path).rpartition("/")[2]):
        return _answer(path, "not_audio")
    return _answer(path, "waiting") if stat.S_ISREG(mode) else _answer(path, "failed", reason="not a regular file")


def _left_out(path: str, root: str, roots: frozenset[str]) -> tuple[str, str] | None:
    """Return why a scan leaves out a path, or a folder above it, and by which rule; None if it does not."""
    rules, folder = IgnoreRules(), root.rstrip("/")
    for name in path[len(folder) + 1 :].split("/") if path != root else ():
        inside = rules_inside(rules, _plain(folder), f"{folder}/", IGNORE_FILE_NAMES, partial(_load, _plain(folder)))
        if isinstance(inside, str):
            return f"ignored by {inside}", f"{folder}/{inside}"
        rules, is_in_root, folder = inside, (folder or "/") in roots, f"{folder}/{name}"
        is_folder = os.path.isdir(_plain(folder))  # noqa: PTH112 - False for what cannot be looked at
        if by_name := reason_of_name(_plain(name), _plain(folder), is_folder=is_folder, is_in_root=is_in_root):
            return by_name, folder
        if ignored := rules.reason(folder, is_folder=is_folder):
            return ignored, _rule(rules, folder, is_folder=is_folder)
    return None


def _plain(path: str) -> str:
    return os.fsdecode(decode(path))


def _load(folder: str, name: str) -> IgnoreFile | None:
    try:
        return load_ignore_file(folder, name)
    except IgnoreFileError:
        return None  # it has no effect, and a scan tells of it


def _rule(rules: IgnoreRules, path: str, *, is_folder: bool) -> str:
    """Return the encoded path of the ignore file that leaves a path out: the nearest one that says anything of it."""
    return next(
        folder + file.name
        for folder, file in rules.files
        if IgnoreRules(((folder, file),)).reason(path, is_folder=is_folder)
    )
