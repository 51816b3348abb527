"""A data folder with both databases and a device key, in which every kind of row is."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from soniquebay.backup import making
from soniquebay.backup.making import Made, Places
from soniquebay.listeners import app_passwords, device_key, items, passwords, scrobble_accounts, web_sessions
from tests.unit.listeners.libraries import Kept
from tests.unit.songs import file

VERSION = "1.2.3"
SECRETS = {"token": "listenbrainz-token-0123"}  # of a scrobble account
WORDS = "correct horse"  # Ada's password


class Machine:
    """The data of an appliance, without its programs."""

    def __init__(self, data: Path, songs: int = 12) -> None:
        data.mkdir(parents=True, exist_ok=True)
        self.data, self.songs = data, songs
        self.kept = Kept(data)
        self.key = device_key.read_or_make(data / "device.key")
        self.secrets = {SECRETS["token"], WORDS}
        self.kept.scan([
            file(f"/r/{n}.flac", title=f"Søng {n}", artist=f"Artist {n % 3}", album=f"Album {n // 3}", duration=60 + n)
            for n in range(songs)
        ])  # fmt: skip
        self._listen()

    def _listen(self) -> None:
        reader = self.kept.listeners.reader()
        found = items.read(reader, "track", [1, 2, 3])
        with self.kept.listeners.transaction() as db:
            ids = items.get_or_add(db, found)
            ada = self.kept.user("Ada")
            hashed = passwords.hash_password(WORDS)
            db.execute("UPDATE users SET password = ?, role = 'manage', is_owner = 1 WHERE id = ?", (hashed, ada))
            self.secrets.add(hashed)
            for n, item in enumerate(ids):
                db.execute("INSERT INTO stars VALUES (?, ?, 'track', ?)", (item, ada, 1.7e9 + n))
                db.execute("INSERT INTO ratings VALUES (?, ?, 'track', ?, ?)", (item, ada, n + 1, 1.7e9 + n))
                db.execute("INSERT INTO play_counts VALUES (?, ?, 'track', ?, ?)", (item, ada, n + 7, 1.7e9 + n))
                db.execute("INSERT INTO plays VALUES (?, ?, ?, 'app')", (ada, 1.7e9 + n, item))
            db.execute("INSERT INTO bookmarks VALUES (?, ?, 500, 'here', 0, 0)", (ids[0], ada))
            for name, rules in (("Évening", None), ("Loud", json.dumps({"all": [{"gt": {"rating": 2}}]}))):
                db.execute(
                    "INSERT INTO playlists (user_id, name, comment, is_public, rules, revision, created_at, "
                    "changed_at) VALUES (?, ?, '', 1, ?, 1, 0, 0)", (ada, name, rules),
                )  # fmt: skip
            db.executemany("INSERT INTO playlist_entries VALUES (1, ?, ?)", [(0, ids[2]), (1, ids[0]), (2, ids[2])])
            _, password = app_passwords.make(db, self.key, ada, "Phone", "listen")
            self.secrets |= {password, web_sessions.begin(db, ada, "192.168.1.2", "Firefox")}
            scrobble_accounts.save(db, self.key, ada, "listenbrainz", state="connected", secrets=SECRETS)

    @property
    def app_password(self) -> str:
        return next(secret for secret in self.secrets if secret.count("-") == 3 and len(secret) == 19)

    def places(self, **more: object) -> Places:
        return Places(self.data, **more)  # type: ignore[arg-type]

    def back_up(self, **more: object) -> Made:
        return making.make(self.places(**more), "request", VERSION)

    def add_track(self, path: str) -> None:
        self.kept.scan([file(path, title=path, artist="New", album="New")])

    def close(self) -> None:
        """Let go of the databases as a killed program does: their logs stay."""
        self.kept = None  # type: ignore[assignment]


PAGE_BYTES = 4096


def pages_of(path: Path) -> int:
    """Bring the log of a database into it, and return how many pages it has."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path.stat().st_size // PAGE_BYTES


def damage(path: Path, *pages: int) -> None:
    """Overwrite pages of a database, counted from 1."""
    with path.open("r+b") as file:
        for page in pages:
            file.seek((page - 1) * PAGE_BYTES)
            file.write(b"\xa5" * PAGE_BYTES)


def pages_with(path: Path, name: str) -> list[int]:
    """Return the pages of a table or an index, its root first, without those that only lead to others."""
    with closing(sqlite3.connect(path)) as db:
        root = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (name,)).fetchone()[0]
    return [root, *leaves(path.read_bytes(), root)]


def leaves(content: bytes, page: int) -> list[int]:
    """Return the leaf pages below an interior page of a table or an index."""
    start = (page - 1) * 4096
    kind = content[start]
    if kind not in {2, 5}:
        return []
    cells = int.from_bytes(content[start + 3 : start + 5], "big")
    found = []
    for number in range(cells):
        pointer = int.from_bytes(content[start + 12 + 2 * number : start + 14 + 2 * number], "big")
        found.append(int.from_bytes(content[start + pointer : start + pointer + 4], "big"))
    found.append(int.from_bytes(content[start + 8 : start + 12], "big"))
    return [leaf for child in found for leaf in (leaves(content, child) or [child])]
