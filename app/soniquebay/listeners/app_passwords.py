"""App passwords: random, named and revocable, one for each app of a user."""

import hashlib
import hmac
import secrets
import sqlite3
import time
from dataclasses import dataclass
from typing import Any

from soniquebay.listeners.device_key import DeviceKey
from soniquebay.listeners.users import Role

# People type it on a phone: lower-case letters and digits without those that look alike, in groups. 16 of them are 79
# bits.
ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
GROUPS, GROUP_CHARACTERS = 4, 4
MAX_NAME_CHARACTERS = 64
MAX_APP_PASSWORDS_OF_USER = 100
USE_NOTE_INTERVAL_SECONDS = 600.0  # between two notes that a password is used; each is a write to the card
MAX_CLIENT_CHARACTERS = 100


class UnacceptableAppPasswordError(ValueError):
    """A name is empty, too long or taken, or the user has too many. The text says so."""


@dataclass(frozen=True)
class AppPassword:
    """An app password that was found."""

    id: int
    user_id: int
    role: Role
    used_at: float | None
    """Unix time."""


def make(db: sqlite3.Connection, key: DeviceKey, user_id: int, name: str, role: Role) -> tuple[int, str]:
    """Make an app password; return its id and the password, which nobody is shown again.

    Raises `UnacceptableAppPasswordError`.
    """
    name = name.strip()
    if not name or len(name) > MAX_NAME_CHARACTERS or not name.isprintable():
        raise UnacceptableAppPasswordError(
            f"the name of an app has 1 to {MAX_NAME_CHARACTERS} characters, and no control characters"
        )
    (count,) = db.execute("SELECT count(*) FROM app_passwords WHERE user_id = ?", (user_id,)).fetchone()
    if count >= MAX_APP_PASSWORDS_OF_USER:
        raise UnacceptableAppPasswordError(
            f"a user has at most {MAX_APP_PASSWORDS_OF_USER} app passwords: revoke one first"
        )
    groups = ("".join(secrets.choice(ALPHABET) for _ in range(GROUP_CHARACTERS)) for _ in range(GROUPS))
    password = "-".join(groups)
    try:
        made = db.execute(
            "INSERT INTO app_passwords (user_id, name, role, lookup, encrypted, created_at) VALUES (?, ?, ?, ?, ?, ?) "
            "RETURNING id",
            (user_id, name, role, key.keyed_hash(password), key.encrypt(password), time.time()),
        ).fetchone()
    except sqlite3.IntegrityError as error:
        raise UnacceptableAppPasswordError(f"there is an app password {name} already: revoke it first") from error
    return made["id"], password


def find(db: sqlite3.Connection, key: DeviceKey, password: str) -> AppPassword | None:
    """Return the app password that a client has sent."""
    row = db.execute(
        "SELECT id, user_id, role, used_at FROM app_passwords WHERE lookup = ?", (key.keyed_hash(password),)
    ).fetchone()
    return row and AppPassword(*row)


def by_id(db: sqlite3.Connection, password_id: int, user_id: int) -> AppPassword | None:
    """Return an app password of a user."""
    row = db.execute(
        "SELECT id, user_id, role, used_at FROM app_passwords WHERE id = ? AND user_id = ?", (password_id, user_id)
    ).fetchone()
    return row and AppPassword(*row)


def find_by_token(db: sqlite3.Connection, key: DeviceKey, user_id: int, token: str, salt: str) -> AppPassword | None:
    """Return the app password of a user whose MD5 together with `salt` is `token` (login of Subsonic 1.13.0)."""
    rows = db.execute("SELECT id, user_id, role, used_at, encrypted FROM app_passwords WHERE user_id = ?", (user_id,))
    found = None
    for *fields, encrypted in rows:
        password = key.decrypt(encrypted)
        if password is None:  # another machine's key
            continue
        expected = hashlib.md5((password + salt).encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()
        if hmac.compare_digest(expected.encode(), token.lower().encode("utf-8", "surrogatepass")):
            found = AppPassword(*fields)
    return found


def note_use(db: sqlite3.Connection, password_id: int, client: str) -> None:
    """Note that an app password is used now, by a client of this name."""
    client = "".join(c for c in client if c.isprintable())[:MAX_CLIENT_CHARACTERS]
    db.execute("UPDATE app_passwords SET used_at = ?, used_by = ? WHERE id = ?", (time.time(), client, password_id))


def of_user(db: sqlite3.Connection, user_id: int) -> list[dict[str, Any]]:
    """Return a user's app passwords without the passwords themselves, the newest first."""
    rows = db.execute(
        "SELECT id, name, role, created_at, used_at, used_by FROM app_passwords WHERE user_id = ? ORDER BY id DESC",
        (user_id,),
    )
    return [dict(row) for row in rows]


def revoke_all(db: sqlite3.Connection, user_id: int) -> None:
    """Revoke all app passwords of a user."""
    db.execute("DELETE FROM app_passwords WHERE user_id = ?", (user_id,))


def revoke(db: sqlite3.Connection, user_id: int, password_id: int) -> bool:
    """Revoke an app password of a user. Tell whether there was one."""
    done = db.execute("DELETE FROM app_passwords WHERE id = ? AND user_id = ?", (password_id, user_id))
    return done.rowcount > 0
