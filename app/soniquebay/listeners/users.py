"""Users: the owner, who is made once, and those that are added later."""

import sqlite3
import time
import unicodedata
from dataclasses import dataclass
from typing import Any, Literal

from soniquebay.listeners.passwords import hash_password, hash_unchecked, is_crypt_hash, verify_password

Role = Literal["listen", "manage"]
MAX_NAME_CHARACTERS = 64
# Of a name as it is typed, whose accents may be characters of their own. Unicode's normal forms take a time that grows
# with the square of a text's length.
MAX_TYPED_CHARACTERS = 4 * MAX_NAME_CHARACTERS


class UnacceptableNameError(ValueError):
    """A name is empty, too long, taken, or has characters that cannot be typed. The text says so."""


class ClaimedError(Exception):
    """There is an owner already."""


class OwnerError(Exception):
    """The owner is neither removed nor made a listener."""


@dataclass(frozen=True)
class User:
    """A user without the password."""

    id: int
    name: str
    role: Role
    is_owner: bool
    created_at: float
    """Unix time."""


def checked_name(name: str) -> str:
    """Return a name as it is stored: composed (NFC), without spaces around it. Raises `UnacceptableNameError`."""
    name = unicodedata.normalize("NFC", _typed(name)).strip()
    if not name or len(name) > MAX_NAME_CHARACTERS:
        raise UnacceptableNameError(f"a name has 1 to {MAX_NAME_CHARACTERS} characters")
    if not name.isprintable() or ":" in name:  # HTTP Basic ends the name at the first colon
        raise UnacceptableNameError("a name has no colon and no control characters")
    return name


def name_key(name: str) -> str:
    """Return the form of a name that is the same in any case, and that SQLite can store whatever was typed."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFC", _typed(name)).strip().casefold())
    return folded.encode("utf-8", "replace").decode()


def _typed(name: str) -> str:
    # What stands for a longer one is nobody's: it has one character more than a name may have.
    name = name.strip()
    return name if len(name) <= MAX_TYPED_CHARACTERS else "x" * (MAX_NAME_CHARACTERS + 1)


def make_owner(db: sqlite3.Connection, name: str, password: str) -> User:
    """Make the owner, if there is no user yet, in one statement.

    Raises `ClaimedError`, `UnacceptableNameError` and ``passwords.UnacceptablePasswordError``.
    """
    return make_owner_with_hash(db, name, hash_password(password))


def make_owner_with_hash(db: sqlite3.Connection, name: str, hashed: str) -> User:
    """Make the owner with the hash of a password. Raises `ClaimedError` and `UnacceptableNameError`."""
    name = checked_name(name)
    made = db.execute(
        "INSERT INTO users (name, name_key, password, role, is_owner, created_at) "
        "SELECT ?, ?, ?, 'manage', 1, ? WHERE NOT EXISTS (SELECT 1 FROM users) RETURNING id",
        (name, name_key(name), hashed, time.time()),
    ).fetchone()
    if made is None:
        raise ClaimedError("this appliance has an owner already")
    return _existing(db, made["id"])


def is_claimed(db: sqlite3.Connection) -> bool:
    """Tell whether there is an owner."""
    return db.execute("SELECT 1 FROM users LIMIT 1").fetchone() is not None


def add(db: sqlite3.Connection, name: str, password: str, role: Role) -> User:
    """Add a user.

    Raises `UnacceptableNameError` and ``passwords.UnacceptablePasswordError``, and ``LookupError`` while there is no
    owner.
    """
    name, hashed = checked_name(name), hash_password(password)
    if not is_claimed(db):
        raise LookupError("there is no owner yet: claim the appliance first")
    try:
        made = db.execute(
            "INSERT INTO users (name, name_key, password, role, is_owner, created_at) VALUES (?, ?, ?, ?, 0, ?) "
            "RETURNING id",
            (name, name_key(name), hashed, role, time.time()),
        ).fetchone()
    except sqlite3.IntegrityError as error:
        raise UnacceptableNameError(f"there is a user {name} already") from error
    return _existing(db, made["id"])


def all_users(db: sqlite3.Connection) -> list[User]:
    """Return all users, the owner first, then by name."""
    return [_user(row) for row in db.execute("SELECT * FROM users ORDER BY is_owner DESC, name_key")]


def by_id(db: sqlite3.Connection, user_id: int) -> User | None:
    """Return a user."""
    row = db.execute("SELECT * FROM users WHERE id = ?", (user_id,)).fetchone()
    return row and _user(row)


def by_name(db: sqlite3.Connection, name: str) -> User | None:
    """Return the user of a name, without regard to case."""
    row = db.execute("SELECT * FROM users WHERE name_key = ?", (name_key(name),)).fetchone()
    return row and _user(row)


def authenticate(db: sqlite3.Connection, name: str, password: str) -> User | None:
    """Return the user with this name and password. It takes as long when there is none.

    As long as somebody has a hash of the operating system, both kinds of hashes are computed for each name: they take
    different times, by which that user's name could be found out.
    """
    row = db.execute("SELECT * FROM users WHERE name_key = ?", (name_key(name),)).fetchone()
    hashed = row["password"] if row else None
    matches = verify_password(password, hashed)
    of_machine = [other for (other,) in db.execute("SELECT password FROM users") if is_crypt_hash(other)]
    if of_machine:
        verify_password(password, None if hashed is not None and is_crypt_hash(hashed) else of_machine[0])
    return _user(row) if row and matches else None


def rehash(db: sqlite3.Connection, user_id: int, password: str) -> None:
    """Replace a hash of the operating system by one of our own, now that the password is known."""
    row = db.execute("SELECT password FROM users WHERE id = ?", (user_id,)).fetchone()
    if row is not None and is_crypt_hash(row["password"]) and verify_password(password, row["password"]):
        db.execute("UPDATE users SET password = ? WHERE id = ?", (hash_unchecked(password), user_id))


def set_password(db: sqlite3.Connection, user_id: int, password: str) -> None:
    """Store another password, and end the user's sessions.

    Raises `LookupError` without such a user, and ``passwords.UnacceptablePasswordError``.
    """
    hashed = hash_password(password)
    if not db.execute("UPDATE users SET password = ? WHERE id = ?", (hashed, user_id)).rowcount:
        raise LookupError(f"no user {user_id}")
    db.execute("DELETE FROM web_sessions WHERE user_id = ?", (user_id,))


def set_role(db: sqlite3.Connection, user_id: int, role: Role) -> User:
    """Give a user another role. Raises `LookupError` without such a user, and `OwnerError`."""
    if _existing(db, user_id).is_owner and role != "manage":
        raise OwnerError("the owner always manages the appliance")
    db.execute("UPDATE users SET role = ? WHERE id = ?", (role, user_id))
    if role == "listen":
        db.execute("UPDATE app_passwords SET role = 'listen' WHERE user_id = ?", (user_id,))
    return _existing(db, user_id)


def remove(db: sqlite3.Connection, user_id: int) -> None:
    """Delete a user with all that the user keeps. Raises `LookupError` without such a user, and `OwnerError`."""
    if _existing(db, user_id).is_owner:
        raise OwnerError("the owner cannot be removed")
    db.execute("DELETE FROM users WHERE id = ?", (user_id,))


def _existing(db: sqlite3.Connection, user_id: int) -> User:
    user = by_id(db, user_id)
    if user is None:
        raise LookupError(f"no user {user_id}")
    return user


def _user(row: Any) -> User:
    return User(row["id"], row["name"], row["role"], bool(row["is_owner"]), row["created_at"])
