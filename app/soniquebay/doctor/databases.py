"""The databases: there, and not damaged."""

import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from soniquebay.doctor.finding import Finding, needs_root, ok, unknown, wrong
from soniquebay.doctor.surroundings import Surroundings
from soniquebay.library.database import open_read_only
from soniquebay.storage_faults import database_fault

MAX_CHECK_SECONDS = 60.0
_STEPS_BETWEEN_LOOKS = 100_000  # of SQLite's virtual machine: some milliseconds
_NOT_OPENED = {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_BUSY}


def databases(around: Surroundings) -> Iterator[Finding]:
    """Check both databases with SQLite's quick check."""
    for path in (around.settings.database, around.settings.listeners_database):
        yield _check(path)


def _check(path: Path) -> Finding:
    if os.access(path.parent, os.X_OK) and not path.exists():
        return wrong(
            f"{path} does not exist.",
            "The API makes it when it starts for the first time. If it was there: "
            f"{database_fault('vanished', path).remedy}.",
        )
    if not os.access(path, os.R_OK):
        return needs_root(f"{path} may not be read by this user.")
    try:
        problem = _problem(path)
    except sqlite3.Error as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            return unknown(f"{path} was not checked to its end within {MAX_CHECK_SECONDS:.0f} s.")
        if error.sqlite_errorcode & 0xFF in _NOT_OPENED:
            return needs_root(f"{path} cannot be opened now: {error}.")
        problem = f"is damaged: {error}"
    if problem:
        return wrong(f"{path} {problem}.", f"As root, {database_fault('damaged', path).remedy}.")
    return ok(f"{path} is sound.")


def _problem(path: Path) -> str | None:
    """Return what is wrong with a database. Raises ``sqlite3.Error``."""
    deadline = time.monotonic() + MAX_CHECK_SECONDS
    with open_read_only(path) as db:
        db.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS_BETWEEN_LOOKS)
        (result,) = db.execute("PRAGMA quick_check(1)").fetchone()
        (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if result != "ok":
        return f"is damaged: {result}"
    return None if tables else "is empty"
