"""Signing in: who a visitor is, by a session, by an app password, or by name and password."""

import hashlib
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from soniquebay.listeners import app_passwords, devices, users, web_sessions
from soniquebay.listeners.app_passwords import AppPassword
from soniquebay.listeners.claim_code import ClaimCode
from soniquebay.listeners.database import ListenersDatabase
from soniquebay.listeners.device_key import DeviceKey
from soniquebay.listeners.login_attempts import LoginAttempts
from soniquebay.listeners.passwords import checked_machines_hash
from soniquebay.listeners.users import Role, User

log = logging.getLogger(__name__)

MAX_CACHED_VISITORS = 1000
CACHE_SECONDS = 60.0  # then the database is asked again, so that a use is noted and an end is noticed
_NOBODY = ""  # in place of a name where attempts are counted for each address alone


class WrongPasswordError(Exception):
    """Name and password, or the claim code, do not match."""


class TooManyAttemptsError(Exception):
    """The attempt is not made: there were too many before."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"too many failed attempts: try again in {seconds:.0f} s")
        self.seconds = seconds

    @property
    def retry_after(self) -> str:
        """The value of the header ``Retry-After``: whole seconds."""
        return str(int(self.seconds) + 1)


@dataclass(frozen=True)
class Visitor:
    """Who has sent a request, and what they may do."""

    role: Role
    authentication: Literal["session", "app password", "machine", "guest"]
    """`machine`: an administrator of this machine, by the Unix socket. `guest`: nobody has signed in."""
    user: User | None = None
    id: int | None = None
    """Of the session or the app password."""


class Accounts:
    """The users of this appliance, and who of them is known by which token. Safe from any thread."""

    def __init__(self, database: ListenersDatabase, key: DeviceKey, claim_code: ClaimCode) -> None:
        self.database = database
        self.key = key
        self.claim_code = claim_code
        self.attempts = LoginAttempts()
        # Apart from each other: an app that keeps sending a revoked password must not keep its user from signing in.
        self.app_attempts = LoginAttempts()
        self._lock = threading.Lock()
        self._visitors: dict[bytes, tuple[float, Visitor]] = {}
        self._changes = 0
        self.changed: Callable[[], None] = lambda: None
        """Called after each change of users, sessions or app passwords, in any thread."""

    def open(self, *, offer_claim: bool = True) -> None:
        """Bring the database to its newest schema, and offer the claim while there is no owner."""
        self.database.migrate()
        if self.is_claimed() or not offer_claim:
            self.claim_code.forget()
            return
        try:
            self.claim_code.offer()
        except OSError as error:
            log.warning("the code that claims this machine cannot be shown: %s", error)

    def is_claimed(self) -> bool:
        """Tell whether there is an owner."""
        return users.is_claimed(self.database.reader())

    def claim(self, code: str, name: str, password: str, address: str, browser: str) -> tuple[User, str]:
        """Make the owner by the claim code; return the owner and the token of a session.

        Raises `WrongPasswordError`, `TooManyAttemptsError`, and what `users.make_owner` raises.
        """
        self._check_attempts(address, _NOBODY, is_known=False)
        if self.is_claimed():
            raise users.ClaimedError("this appliance has an owner already")
        if not self.claim_code.matches(code):
            self.attempts.record_failure(address, _NOBODY, is_known=False)
            raise WrongPasswordError(
                "that is not the code of this machine: it is on the machine's screen, and `sudo soniquebay claim-code` "
                "prints it"
            )
        owner = self.make_owner(name, password)
        return owner, self._begin_session(owner, address, browser)

    def make_owner(self, name: str, password: str) -> User:
        """Make the owner without a code, for an administrator of the machine. Raises what `users.make_owner` raises."""
        with self.change() as db:
            owner = users.make_owner(db, name, password)
        self.claim_code.forget()
        return owner

    def adopt(self, name: str, machines_hash: str) -> User:
        """Make a user of the machine the owner, with the password of the machine.

        Raises ``passwords.UnacceptablePasswordError`` and what `users.make_owner_with_hash` raises.
        """
        with self.change() as db:
            owner = users.make_owner_with_hash(db, name, checked_machines_hash(machines_hash))
        self.claim_code.forget()
        return owner

    def sign_in(self, name: str, password: str, address: str, browser: str, device: str = "") -> tuple[User, str]:
        """Begin a session; return the user and the session's token.

        `device`: what the browser shows as proof that the user has signed in there before (`devices.make`). Raises
        `WrongPasswordError` and `TooManyAttemptsError`.
        """
        db = self.database.reader()
        named, key = users.by_name(db, name), users.name_key(name)
        number = devices.number_of(self.key, named.id, device) if named else None
        place = address if number is None else f"browser {number}"
        is_known = number is not None or (named is not None and web_sessions.is_known_address(db, named.id, address))
        self._check_attempts(place, key, is_known=is_known)
        user = users.authenticate(db, name, password)
        if user is None:
            self.attempts.record_failure(place, key, is_known=is_known)
            raise WrongPasswordError("name or password is wrong")
        self.attempts.record_success(place, key)
        self._try(lambda writer: users.rehash(writer, user.id, password))
        return user, self._begin_session(user, address, browser)

    def device_of(self, user: User, shown: str) -> str:
        """Return what the browser of a user who has just signed in is to show from now on."""
        return shown if devices.number_of(self.key, user.id, shown) else devices.make(self.key, user.id)

    def _begin_session(self, user: User, address: str, browser: str) -> str:
        with self.change() as db:  # the oldest sessions end
            return web_sessions.begin(db, user.id, address, browser)

    def _check_attempts(self, address: str, user: str, *, is_known: bool) -> None:
        seconds = self.attempts.seconds_to_wait(address, user, is_known=is_known)
        if seconds > 0:
            raise TooManyAttemptsError(max(seconds, 1.0))

    def cached_visitor(self, secret: str) -> Visitor | None:
        """Return the visitor of a session's token or an app password that was found a moment ago."""
        found = self._visitors.get(_cache_key(secret))
        return found[1] if found and found[0] > time.monotonic() else None

    def visitor_of_session(self, token: str) -> tuple[Visitor | None, bool]:
        """Return the visitor of a session's token, and whether the session lasts longer from now on."""
        changes, db = self._changes, self.database.reader()
        session = web_sessions.find(db, token)
        user = session and users.by_id(db, session["user_id"])
        if user is None:
            return None, False
        # A time in the future is one of a wrong clock, and the session would last until then.
        is_renewed = abs(time.time() - session["used_at"]) > web_sessions.USE_NOTE_INTERVAL_SECONDS
        if is_renewed:
            self._try(lambda writer: web_sessions.note_use(writer, session["id"]))
        visitor = Visitor(user.role, "session", user, session["id"])
        with self._lock:
            if changes == self._changes:  # else what was read may be outdated
                if len(self._visitors) >= MAX_CACHED_VISITORS:
                    self._visitors.clear()
                self._visitors[_cache_key(token)] = (time.monotonic() + CACHE_SECONDS, visitor)
        return visitor, is_renewed

    def visitor_of_app_password(self, password: str, client: str, address: str, name: str | None = None) -> Visitor:
        """Return the visitor of an app password. With `name` it has to be a password of that user.

        `client`: the app's name for itself. Raises `WrongPasswordError` and `TooManyAttemptsError`.
        """
        found = app_passwords.find(self.database.reader(), self.key, password)
        return self._app_visitor(found, client, address, name)

    def visitor_of_token(self, name: str, token: str, salt: str, client: str, address: str) -> Visitor:
        """Return the visitor of a token login of OpenSubsonic. Raises as `visitor_of_app_password` does."""
        db = self.database.reader()
        user = users.by_name(db, name)
        found = app_passwords.find_by_token(db, self.key, user.id, token, salt) if user else None
        return self._app_visitor(found, client, address, name)

    def _app_visitor(self, found: AppPassword | None, client: str, address: str, name: str | None) -> Visitor:
        user = users.by_id(self.database.reader(), found.user_id) if found else None
        if found is None or user is None or (name is not None and users.name_key(name) != users.name_key(user.name)):
            # App passwords are random, so nobody guesses one. Only the work that wrong ones cause is limited, and a
            # right one is never refused.
            seconds = self.app_attempts.seconds_to_wait(address, _NOBODY, is_known=False)
            if seconds > 0:
                raise TooManyAttemptsError(seconds)
            self.app_attempts.record_failure(address, _NOBODY, is_known=False)
            raise WrongPasswordError("that is no app password of this user: make one on the page of this appliance")
        if found.used_at is None or abs(time.time() - found.used_at) > app_passwords.USE_NOTE_INTERVAL_SECONDS:
            password_id = found.id
            self._try(lambda db: app_passwords.note_use(db, password_id, client))
        return Visitor(_role(found, user), "app password", user, found.id)

    @contextmanager
    def change(self) -> Iterator[sqlite3.Connection]:
        """Open a transaction that changes users, sessions or app passwords, and forget who was found before."""
        with self.database.transaction() as db:
            yield db
        with self._lock:
            self._changes += 1
            self._visitors.clear()
        self.changed()

    def is_still(self, visitor: Visitor) -> bool:
        """Tell whether the session or app password of a visitor would let in the same user with the same role."""
        db = self.database.reader()
        if visitor.user is None or visitor.id is None:
            return True
        user = users.by_id(db, visitor.user.id)
        if user is None:
            return False
        if visitor.authentication == "session":
            return visitor.role == user.role and web_sessions.exists(db, visitor.id, user.id)
        password = app_passwords.by_id(db, visitor.id, user.id)
        return password is not None and visitor.role == _role(password, user)

    def _try(self, write: Callable[[sqlite3.Connection], None]) -> None:
        """Write when the database can be written: that something was used is not worth a failed request."""
        try:
            with self.database.transaction() as db:
                write(db)
        except sqlite3.OperationalError:
            return


def _role(password: AppPassword, user: User) -> Role:
    return "manage" if password.role == user.role == "manage" else "listen"


def _cache_key(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
