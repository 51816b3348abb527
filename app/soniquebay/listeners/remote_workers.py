"""The workers on other machines that have joined: join codes, who has joined, is suspended, and is revoked."""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from soniquebay import allowed_workers, joining
from soniquebay.audio.feature_schema import FEATURE_VERSION
from soniquebay.authority import Authority
from soniquebay.listeners.accounts import TooManyAttemptsError, WrongPasswordError
from soniquebay.listeners.database import ListenersDatabase
from soniquebay.listeners.login_attempts import LoginAttempts

log = logging.getLogger(__name__)

CODE_LIFETIME_SECONDS = 3600.0
PRESENCE_SECONDS = 60.0  # without a word of a worker, until its tracks are given to others
SEEN_NOTE_INTERVAL_SECONDS = 600.0  # each note is a write to the card
MAX_PROCESSES = 64
MAX_CODES = 8  # the oldest are forgotten


class JoinRefusedError(Exception):
    """A worker that knows a code may not join. The text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class JoinRequest:
    """What a worker sends to join."""

    name: str
    version: str
    feature_version: int
    certificate_request: str
    proof: str


@dataclass(frozen=True, slots=True)
class Joined:
    """What a worker gets."""

    certificate: str
    authority: str
    port: int
    proof: str


class Presence(NamedTuple):
    """What a worker has said of itself."""

    at: float
    """When, on the clock."""
    processes: int
    busy: frozenset[int]
    """Its tracks."""


class RemoteWorkers:
    """The workers that have joined, in the database, and the allow list of those that may connect. Thread-safe."""

    def __init__(
        self,
        database: ListenersDatabase,
        authority: Authority,
        allowed_workers_folder: Path,
        worker_proxy_port: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._authority = authority
        self._allowed_workers_folder = allowed_workers_folder
        self._worker_proxy_port = worker_proxy_port
        self._clock = clock
        self._codes: dict[str, float] = {}  # when each of them ends, on the clock
        self._lock = threading.Lock()
        self._attempts = LoginAttempts()
        self._opened_at = clock()
        self._seen: dict[str, Presence] = {}
        self._doubted: set[str] = set()
        self.vectors_brought = 0
        """By all of them, since this program started."""
        # When they were seen, as the card has it, on the clock.
        self._noted_at: dict[str, float] = {}

    def open(self) -> None:
        """Write the allow list of those who may connect; the folder is empty after a start of the machine."""
        try:
            if self._authority.exists():
                self._write_allow_list()
                return
            allowed_workers.write(self._allowed_workers_folder, {})  # in a container the folder may outlive the data
            if names := _serials(self._database.reader()):
                # The database is from a backup, and what signs certificates is in none.
                log.warning("workers on other machines have to join again: %s", ", ".join(names))
        except OSError as error:
            log.warning("the list of remote workers cannot be written, so none can connect: %s", error)

    def offer_code(self) -> str:
        """Make a join code, which lets one worker join within `CODE_LIFETIME_SECONDS`."""
        code = joining.make_code()
        with self._lock:
            self._codes[code] = self._clock() + CODE_LIFETIME_SECONDS
            for oldest in list(self._codes)[:-MAX_CODES]:
                del self._codes[oldest]
        return code

    def join(self, request: JoinRequest, address: str) -> Joined:
        """Let a worker join.

        Raises ``WrongPasswordError`` without a valid code, ``TooManyAttemptsError``, `JoinRefusedError`,
        ``AuthorityError`` and ``OSError``.
        """
        wait = self._attempts.seconds_to_wait(address, "", is_known=False)
        if wait > 0:
            raise TooManyAttemptsError(max(wait, 1.0))
        with self._lock:
            code = self._code_of(request)
            if code is None:
                self._attempts.record_failure(address, "", is_known=False)
                raise WrongPasswordError(
                    "that is no valid join code, or it has ended: soniquebay join-code makes one on the appliance, "
                    f"for one worker and {CODE_LIFETIME_SECONDS / 60:.0f} minutes"
                )
            self._require_acceptable(request)
            authority = self._authority.ensure()
            signed = self._authority.sign(request.certificate_request, request.name)
            token = joining.token_of(code, request.certificate_request)
            with self._database.transaction() as db:
                db.execute("DELETE FROM remote_workers WHERE name = ?", (request.name,))  # it was suspended
                db.execute(
                    "INSERT INTO remote_workers (name, serial, token_hash, version, joined_at) VALUES (?, ?, ?, ?, ?)",
                    (request.name, signed.serial, joining.token_hash(token), request.version, time.time()),
                )
            del self._codes[code]
            self._doubted.discard(request.name)
            self._write_allow_list()
        proof = joining.answer_proof(
            code, request.certificate_request, signed.certificate, authority, self._worker_proxy_port
        )
        log.info("remote worker %s has joined", request.name)
        return Joined(signed.certificate, authority, self._worker_proxy_port, proof)

    def name_of(self, token: str) -> str | None:
        """Return the worker that has a token, None for one that is suspended."""
        row = (
            self._database.reader()
            .execute(
                "SELECT name FROM remote_workers WHERE token_hash = ? AND suspended_at IS NULL",
                (joining.token_hash(token),),
            )
            .fetchone()
        )
        return None if row is None else str(row[0])

    def note_seen(self, name: str, processes: int, busy: Collection[int] = ()) -> None:
        """Note that a worker is there, with so many processes, and with which tracks it is `busy`."""
        now = self._clock()
        with self._lock:
            self._seen[name] = Presence(now, processes, frozenset(busy))
            is_due = now - self._noted_at.get(name, float("-inf")) > SEEN_NOTE_INTERVAL_SECONDS
            if is_due:
                self._noted_at[name] = now
        if is_due:
            with self._database.transaction() as db:
                db.execute("UPDATE remote_workers SET seen_at = ? WHERE name = ?", (time.time(), name))

    def present(self) -> dict[str, Presence]:
        """Return the workers that have been heard of within `PRESENCE_SECONDS`, by name."""
        since = self._clock() - PRESENCE_SECONDS
        with self._lock:
            return {name: seen for name, seen in self._seen.items() if seen.at >= since}

    def present_or_unknown(self) -> set[str]:
        """Return the workers that may still work: for a while after a start none has been heard of yet."""
        if self._clock() - self._opened_at < PRESENCE_SECONDS:
            return set(_serials(self._database.reader()))
        return set(self.present())

    def revoke(self, name: str) -> bool:
        """Let a worker connect no longer. Tell whether there was one. Raises ``OSError``."""
        with self._lock:
            with self._database.transaction() as db:
                done = db.execute("DELETE FROM remote_workers WHERE name = ?", (name,)).rowcount > 0
            self._forget_presence(name)
            self._write_allow_list()
        if done:
            log.info("remote worker %s is revoked", name)
        return done

    def suspend(self, name: str, reason: str) -> bool:
        """Let a worker connect no longer until it joins again; tell whether it could until now. Raises ``OSError``.

        `reason` is a sentence for the owner.
        """
        with self._lock:
            with self._database.transaction() as db:
                done = db.execute(
                    "UPDATE remote_workers SET suspended_at = ?, suspended_because = ? "
                    "WHERE name = ? AND suspended_at IS NULL",
                    (time.time(), reason, name),
                ).rowcount
            self._forget_presence(name)
            self._write_allow_list()
        return done > 0

    def is_doubted_again(self, name: str) -> bool:
        """Note that a worker may have brought something wrong; tell whether that was so the last time, too."""
        with self._lock:
            again = name in self._doubted
            self._doubted.add(name)
        return again

    def trust(self, name: str) -> None:
        """Note that what a worker has brought was right."""
        with self._lock:
            self._doubted.discard(name)

    def count_vector(self) -> None:
        """Count a vector that a worker has brought."""
        with self._lock:
            self.vectors_brought += 1

    def all(self) -> list[dict[str, Any]]:
        """Return the workers without their secrets, by name."""
        present = self.present()
        rows = self._database.reader().execute(
            "SELECT name, version, joined_at, seen_at, suspended_at, suspended_because FROM remote_workers "
            "ORDER BY name"
        )
        return [{**dict(row), "is_present": row["name"] in present} for row in rows]

    def _forget_presence(self, name: str) -> None:
        self._seen.pop(name, None)
        self._doubted.discard(name)
        self._noted_at.pop(name, None)

    def _code_of(self, request: JoinRequest) -> str | None:
        now = self._clock()
        self._codes = {code: end for code, end in self._codes.items() if end > now}
        fields = (request.name, request.version, request.feature_version, request.certificate_request)
        found = None
        for code in self._codes:
            if joining.is_equal(request.proof, joining.request_proof(code, *fields)):
                found = code
        return found

    def _require_acceptable(self, request: JoinRequest) -> None:
        if allowed_workers.NAME.fullmatch(request.name) is None:
            raise JoinRefusedError(allowed_workers.NAME_RULE)
        if request.feature_version != FEATURE_VERSION:
            raise JoinRefusedError(
                f"its vectors would be of version {request.feature_version}, and this appliance has version "
                f"{FEATURE_VERSION}: install the same release of SoniqueBay on both machines"
            )
        rows = self._database.reader().execute("SELECT name, suspended_at IS NULL FROM remote_workers")
        workers = dict(rows.fetchall())
        if workers.get(request.name):
            raise JoinRefusedError(
                f"a worker {request.name} has joined already: choose another name, or end the other one by "
                f"soniquebay workers revoke {request.name}"
            )
        if request.name not in workers and len(workers) >= allowed_workers.MAX_WORKERS:
            raise JoinRefusedError(f"{allowed_workers.MAX_WORKERS} workers have joined already, which is the most")

    def _write_allow_list(self) -> None:
        serials = _serials(self._database.reader())
        if serials:  # the worker proxy starts when it sees the list
            self._authority.hand_over()
        allowed_workers.write(self._allowed_workers_folder, serials)


def _serials(db: sqlite3.Connection) -> dict[str, str]:
    rows = db.execute("SELECT name, serial FROM remote_workers WHERE suspended_at IS NULL ORDER BY name")
    return dict(rows.fetchall())
