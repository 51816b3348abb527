"""The vectors in the database of a running stack."""

import sqlite3
from contextlib import closing
from typing import Any

import numpy as np

from tests.support.stack import Stack


def vectors(stack: Stack) -> dict[int, np.ndarray[Any, Any]]:
    """Return the vector of each track that has one."""
    with closing(sqlite3.connect(stack.data / "library.db")) as db:
        rows = db.execute("SELECT track_id, data FROM vectors WHERE data IS NOT NULL").fetchall()
    return {track_id: np.frombuffer(data, "<f4") for track_id, data in rows}


def forget_vectors(stack: Stack) -> None:
    """Have every track analysed again."""
    with closing(sqlite3.connect(stack.data / "library.db")) as db:
        db.execute("PRAGMA foreign_keys = on")  # what workers on other machines have brought goes with them
        with db:
            db.execute("DELETE FROM vectors")
