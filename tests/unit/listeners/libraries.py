"""A library, the listeners' database beside it, and what scans do to them."""

import sqlite3
from pathlib import Path
from typing import Any

from soniquebay.library import ingest, reconcile, sessions
from soniquebay.library.catalogue import message
from soniquebay.library.database import Database
from soniquebay.listeners import items, users
from soniquebay.listeners.database import ListenersDatabase
from soniquebay.listeners.items import Kind


class Kept:
    """Both databases, as the API has them; `restart` opens them anew."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.restart()
        self._users: dict[str, int] = {}
        for name in ("Ada", "Bob"):
            with self.listeners.transaction() as db:
                made = db.execute(
                    "INSERT INTO users (name, name_key, password, role, is_owner, created_at) "
                    "VALUES (?, ?, '', 'listen', 0, 0) RETURNING id",
                    (name, users.name_key(name)),
                ).fetchone()
                self._users[name] = made["id"]

    def restart(self) -> None:
        self.library = Database(self.folder / "library.db")
        self.library.migrate()
        self.listeners = ListenersDatabase(self.folder / "listeners.db", self.folder / "library.db")
        self.listeners.migrate()

    def lose_library(self) -> None:
        for file in self.folder.glob("library.db*"):
            file.unlink()
        self.restart()

    def user(self, name: str = "Ada") -> int:
        return self._users[name]

    def item(self, kind: Kind, library_id: int) -> int:
        found = items.read(self.listeners.reader(), kind, [library_id])
        with self.listeners.transaction() as db:
            return items.get_or_add(db, found)[0]

    def scan(self, new: list[Any], gone: list[str] = (), *, files: int = 1) -> None:  # type: ignore[assignment]
        """Simulate a scan session that reads new files and does not see others; `files`: how many there are."""
        with self.library.transaction() as db:
            session = sessions.start(db)
            stamps = [{k: f[k] for k in ("path", "size", "mtime_ns")} for f in new]
            sessions.register_batch(db, session, str(session), stamps)  # type: ignore[arg-type]
            reconcile.add_unseen(db, session, {"/r": gone})
            ingest.apply_batch(db, str(session), message.entities(new))
            reconcile.protect_empty_roots(db, session, {"/r": files})
            while reconcile.reconcile_unseen(db, session, {"/r": files}):
                pass
            sessions.end_discovery(db, session, 0, [])

    def purge(self) -> None:
        with self.library.transaction() as db:
            while reconcile.purge(db, 2**40):
                pass

    def ids(self, table: str, column: str = "title") -> dict[str, int]:
        rows = self.library.reader().execute(f"SELECT id, {column} AS name FROM {table} ORDER BY id")
        return {row["name"]: row["id"] for row in rows}

    def row(self, query: str, *values: Any) -> sqlite3.Row:
        return self.listeners.reader().execute(query, values).fetchone()
