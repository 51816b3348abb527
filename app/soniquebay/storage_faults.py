"""Why the appliance's own data cannot be used, in a sentence with what to do."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from soniquebay import disk_state

Kind = Literal["vanished", "damaged", "newer", "full", "read-only"]
_DAMAGE_CODES = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}

_PROBLEMS: dict[Kind, str] = {
    "vanished": "{name} is gone",
    "damaged": "{name} is damaged",
    "newer": "a newer release made {name}",
    "full": "the disk is full, so {name} cannot be used",
    "read-only": "{name} cannot be written",
}
_REMEDIES: dict[Kind, str] = {
    "vanished": (
        "`soniquebay library restore` brings back the last backup, and `soniquebay library new` begins with an empty "
        "one in its place"
    ),
    "damaged": (
        "`soniquebay library repair` saves what can be read, and `soniquebay library restore` brings back the last "
        "backup"
    ),
    "newer": "install the newer release",
    "full": "make room there; SoniqueBay then goes on by itself",
    "read-only": (
        "the card or disk may be worn out, or mounted read-only: look at the kernel's messages; SoniqueBay goes on by "
        "itself when it can be written again"
    ),
}


class StorageFaultError(sqlite3.DatabaseError):
    """The appliance's data cannot be used until somebody has done something. The text says why, and what to do."""

    def __init__(self, problem: str, remedy: str, detail: object) -> None:
        """`detail` may name paths of the machine, `problem` and `remedy` do not."""
        super().__init__(f"{problem} ({detail}): {remedy}")
        self.problem = problem
        self.remedy = remedy
        self.public_text = f"{problem}: {remedy}"
        self.kind: Kind | None = None


def database_fault(kind: Kind, path: Path, detail: object = None) -> StorageFaultError:
    """Return the fault of a database. `detail`: what is known besides, else its folder."""
    fault = StorageFaultError(_PROBLEMS[kind].format(name=path.name), _REMEDIES[kind], detail or path.parent)
    fault.kind = kind
    return fault


@contextmanager
def faults_of(path: Path) -> Iterator[None]:
    """Raise an error that says something about a database's file or disk as a `StorageFaultError`."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        fault = fault_of(path, error)
        if fault is None or fault is error:
            raise
        raise fault from error


def is_damage(error: BaseException) -> bool:
    """Tell whether SQLite says by an error that a file is damaged."""
    return isinstance(error, sqlite3.DatabaseError) and _primary_code(error) in _DAMAGE_CODES


def fault_of(path: Path, error: sqlite3.Error | OSError) -> StorageFaultError | None:
    """Return what an error says about a database; None when it says nothing about its file or disk."""
    detail = f"{path}: {error}"
    if isinstance(error, StorageFaultError):
        return error
    if is_damage(error):
        return database_fault("damaged", path, detail)
    problem = disk_state.cause_of(error, path.parent)
    if problem is not None:
        return database_fault("full" if problem == "disk_full" else "read-only", path, detail)
    is_refused = isinstance(error, PermissionError) or _primary_code(error) == sqlite3.SQLITE_CANTOPEN
    return database_fault("read-only", path, detail) if is_refused else None


def _primary_code(error: Exception) -> int:
    # Errors of Python's own module have no code.
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & disk_state.PRIMARY_CODE
