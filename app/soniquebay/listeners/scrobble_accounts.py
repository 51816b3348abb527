"""The accounts of users at services that are told what they hear, with their tokens and keys."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from soniquebay.library.enrichment import MAX_RETRY_AFTER_SECONDS, backoff_seconds
from soniquebay.listeners import scrobbles
from soniquebay.listeners.device_key import DeviceKey
from soniquebay.listeners.scrobbles import Service

State = Literal["approval", "connected", "renewal"]
"""`approval`: the user has not approved yet. `renewal`: the service knows the token or session no longer."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account with what its service needs to know it."""

    user_id: int
    service: Service
    state: State
    name: str | None
    encrypted: bytes
    secrets: Mapping[str, str]
    """Decrypted; empty if another machine has encrypted them."""
    failures: int


_COLUMNS = "user_id, service, state, name, encrypted, failures"


def save(
    db: sqlite3.Connection,
    key: DeviceKey,
    user_id: int,
    service: Service,
    *,
    state: State,
    secrets: Mapping[str, str],
    name: str | None = None,
) -> None:
    """Store an account, or what has changed of it; without `name` the name stays. What waits is sent soon."""
    db.execute(
        "INSERT INTO scrobble_accounts (user_id, service, state, name, encrypted) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET state = excluded.state, name = coalesce(excluded.name, name), "
        "encrypted = excluded.encrypted, failures = 0, problem = NULL, retry_at = 0",
        (user_id, service, state, name, key.encrypt(json.dumps(dict(secrets)))),
    )


def find(db: sqlite3.Connection, key: DeviceKey, user_id: int, service: Service) -> Account | None:
    """Return a user's account."""
    row = db.execute(
        f"SELECT {_COLUMNS} FROM scrobble_accounts WHERE user_id = ? AND service = ?", (user_id, service)
    ).fetchone()
    return row and _account(row, key)


def remove(db: sqlite3.Connection, user_id: int, service: Service) -> bool:
    """Forget an account and the plays that wait for it. Tell whether there was one."""
    done = db.execute("DELETE FROM scrobble_accounts WHERE user_id = ? AND service = ?", (user_id, service))
    return done.rowcount > 0


def of_user(db: sqlite3.Connection, user_id: int) -> dict[str, dict[str, Any]]:
    """Return the state of a user's accounts by service, without their secrets. Times are Unix seconds."""
    rows = db.execute(
        "SELECT service, state, name, sent_at, problem, nullif(retry_at, 0) AS retry_at, dropped, dropped_reason, "
        "(SELECT count(*) FROM scrobbles s WHERE s.user_id = a.user_id AND s.service = a.service) AS waiting "
        "FROM scrobble_accounts a WHERE user_id = ?",
        (user_id,),
    )
    return {row["service"]: dict(row) for row in rows}


def due(db: sqlite3.Connection, key: DeviceKey, now: float) -> list[Account]:
    """Return the accounts for which plays wait that may be sent now."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM scrobble_accounts a WHERE {_IS_READY} AND EXISTS "
        "(SELECT 1 FROM scrobbles s WHERE s.user_id = a.user_id AND s.service = a.service)",
        {"now": now, "max": MAX_RETRY_AFTER_SECONDS},
    )
    return [_account(row, key) for row in rows]


def ready_of_user(db: sqlite3.Connection, key: DeviceKey, user_id: int, now: float) -> list[Account]:
    """Return the accounts of a user to which something may be sent now."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM scrobble_accounts WHERE user_id = :user AND {_IS_READY}",
        {"user": user_id, "now": now, "max": MAX_RETRY_AFTER_SECONDS},
    )
    return [_account(row, key) for row in rows]


# A machine without a battery-backed clock may have written the time while its clock was wrong.
_IS_READY = "state = 'connected' AND (retry_at <= :now OR retry_at > :now + :max)"


def note_sent(db: sqlite3.Connection, account: Account, now: float) -> None:
    """Note that the service has taken plays."""
    db.execute(
        "UPDATE scrobble_accounts SET sent_at = ?, failures = 0, problem = NULL, retry_at = 0 "
        "WHERE user_id = ? AND service = ?",
        (now, account.user_id, account.service),
    )


def note_failure(db: sqlite3.Connection, account: Account, reason: str, retry_after: float, now: float) -> None:
    """Note that the service has not answered as it should. It is asked again after a back-off.

    `retry_after`: the seconds for which the service asks to wait.
    """
    failures = account.failures + 1
    db.execute(
        "UPDATE scrobble_accounts SET failures = ?, problem = ?, retry_at = ? WHERE user_id = ? AND service = ?",
        (failures, hidden(reason, account.secrets), now + backoff_seconds(failures, retry_after), *_key(account)),
    )


def note_renewal(db: sqlite3.Connection, account: Account, reason: str) -> None:
    """Note that the service knows token or session no longer, unless the user has renewed it meanwhile."""
    db.execute(
        "UPDATE scrobble_accounts SET state = 'renewal', problem = ?, retry_at = 0 "
        "WHERE user_id = ? AND service = ? AND encrypted = ?",
        (hidden(reason, account.secrets), *_key(account), account.encrypted),
    )


def note_dropped(db: sqlite3.Connection, account: Account, count: int, reason: str) -> None:
    """Count plays that the service does not take, and keep the reason."""
    scrobbles.note_dropped(db, account.user_id, account.service, count, hidden(reason, account.secrets))


def hidden(reason: str, secrets: Mapping[str, str]) -> str:
    """Return a reason without an account's secrets, which a server may have put into its words."""
    for secret in filter(None, secrets.values()):
        reason = reason.replace(secret, "…")
    return reason


def _key(account: Account) -> tuple[int, str]:
    return account.user_id, account.service


def _account(row: sqlite3.Row, key: DeviceKey) -> Account:
    secrets = key.decrypt(row["encrypted"])
    return Account(
        row["user_id"],
        row["service"],
        row["state"],
        row["name"],
        row["encrypted"],
        json.loads(secrets) if secrets else {},
        row["failures"],
    )
