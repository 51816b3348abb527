"""Browsers in which a user has signed in before. A cookie proves it (OWASP, "Slow Down Online Guessing Attacks").

The attempts of such a browser count for themselves, so nobody else keeps its user from signing in there, at whatever
address. Nothing is stored: the proof is a keyed hash.
"""

import hmac
import secrets

from soniquebay.listeners.device_key import DeviceKey

_NUMBER_BYTES = 16


def make(key: DeviceKey, user_id: int) -> str:
    """Return what a browser has to show in order to be a known one of a user."""
    number = secrets.token_hex(_NUMBER_BYTES)
    return f"{number}.{_proof(key, user_id, number)}"


def number_of(key: DeviceKey, user_id: int, shown: str) -> str | None:
    """Return the number of a browser that shows what was made for it and this user; None for anything else."""
    number, _, proof = shown.partition(".")
    expected = _proof(key, user_id, number)
    return number if hmac.compare_digest(proof.encode("utf-8", "surrogatepass"), expected.encode()) else None


def _proof(key: DeviceKey, user_id: int, number: str) -> str:
    return key.keyed_hash(f"browser of user {user_id}: {number}").hex()
