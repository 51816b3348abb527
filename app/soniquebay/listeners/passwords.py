"""Passwords that people choose: what is accepted, how they are stored, how one is checked."""

import threading

# OWASP's recommendation for Argon2id (Password Storage Cheat Sheet): 19 MiB, two passes. 0.1 s on a Pi 4.
MEMORY_LIMIT_BYTES = 19 << 20
OPERATIONS_LIMIT = 2
MIN_CHARACTERS, MAX_BYTES = 8, 1000

# One at a time: each takes `MEMORY_LIMIT_BYTES`.
_one_at_a_time = threading.Lock()
# Checked where there is no such user, so that the answer takes as long as for one. Nobody is let in by it.
_NOBODYS = "$argon2id$v=19$m=19456,t=2,p=1$T7KeEuWMRqNAhmwm2l7/fQ$R7NBHfFvOyEXv3kDAU7TkoXZMe5PctFAQFs2zvu+zpA"


class UnacceptablePasswordError(ValueError):
    """A password is too short or too long. The text says so."""


def hash_password(password: str) -> str:
    """Return the hash of a new password: Argon2id, with salt and parameters (PHC string format).

    Raises `UnacceptablePasswordError`.
    """
    from nacl import pwhash

    if len(password) < MIN_CHARACTERS:
        raise UnacceptablePasswordError(f"a password has at least {MIN_CHARACTERS} characters")
    data = password.encode("utf-8", "surrogatepass")
    if len(data) > MAX_BYTES:
        raise UnacceptablePasswordError(f"a password has at most {MAX_BYTES} bytes")
    with _one_at_a_time:
        return pwhash.argon2id.str(data, opslimit=OPERATIONS_LIMIT, memlimit=MEMORY_LIMIT_BYTES).decode().rstrip("\0")


def is_password(password: str, hashed: str | None) -> bool:
    """Tell whether a password has this hash. Without a hash it takes as long, and the answer is no."""
    from nacl import exceptions, pwhash

    data = password.encode("utf-8", "surrogatepass")
    if len(data) > MAX_BYTES:
        return False
    try:
        with _one_at_a_time:
            return bool(pwhash.verify((hashed or _NOBODYS).encode(), data)) and hashed is not None
    except exceptions.InvalidkeyError:
        return False
