"""Passwords that people choose: what is accepted, how they are stored, how one is checked."""

import ctypes
import hmac
import re
import threading

# OWASP's recommendation for Argon2id (Password Storage Cheat Sheet): 19 MiB, two passes. 0.1 s on a Pi 4.
MEMORY_LIMIT_BYTES = 19 << 20
OPERATIONS_LIMIT = 2
MIN_CHARACTERS, MAX_BYTES = 8, 1000

# One at a time: each takes `MEMORY_LIMIT_BYTES`.
_one_at_a_time = threading.Lock()
# Checked where there is no such user, so that the answer takes as long as for one. Nobody is let in by it.
_NOBODYS = "$argon2id$v=19$m=19456,t=2,p=1$T7KeEuWMRqNAhmwm2l7/fQ$R7NBHfFvOyEXv3kDAU7TkoXZMe5PctFAQFs2zvu+zpA"


# How crypt(5) begins the hash of a password; a locked or missing password begins otherwise.
_MACHINES_HASH = re.compile(r"\$(?:y|gy|7|2b|6|5)\$[ -~]{8,400}")


class UnacceptablePasswordError(ValueError):
    """A password is too short or too long. The text says so."""


def hash_password(password: str) -> str:
    """Return the hash of a new password: Argon2id, with salt and parameters (PHC string format).

    Raises `UnacceptablePasswordError`.
    """
    if len(password) < MIN_CHARACTERS:
        raise UnacceptablePasswordError(f"a password has at least {MIN_CHARACTERS} characters")
    if len(password.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise UnacceptablePasswordError(f"a password has at most {MAX_BYTES} bytes")
    return hash_unchecked(password)


def hash_unchecked(password: str) -> str:
    """Return the hash of a password that is in use already, however short it is."""
    from nacl import pwhash

    data = password.encode("utf-8", "surrogatepass")
    with _one_at_a_time:
        return pwhash.argon2id.str(data, opslimit=OPERATIONS_LIMIT, memlimit=MEMORY_LIMIT_BYTES).decode().rstrip("\0")


def checked_machines_hash(hashed: str) -> str:
    """Return the hash of a password of the operating system (crypt(5)). Raises `UnacceptablePasswordError`."""
    if not _MACHINES_HASH.fullmatch(hashed):
        raise UnacceptablePasswordError("that is no hash of a password: the user of the machine has none, or is locked")
    return hashed


def is_crypt_hash(hashed: str) -> bool:
    """Tell whether a stored hash is one of the operating system, by crypt(3), and not one of `hash_password`."""
    return not hashed.startswith("$argon2id$")


def verify_password(password: str, hashed: str | None) -> bool:
    """Tell whether a password has this hash. Without a hash it takes as long, and the answer is no."""
    from nacl import exceptions, pwhash

    data = password.encode("utf-8", "surrogatepass")
    if len(data) > MAX_BYTES:
        return False
    if hashed is not None and is_crypt_hash(hashed):
        return _is_machines_password(data, hashed)
    try:
        with _one_at_a_time:
            return bool(pwhash.verify((hashed or _NOBODYS).encode(), data)) and hashed is not None
    except exceptions.InvalidkeyError:
        return False


def _is_machines_password(data: bytes, hashed: str) -> bool:
    """Tell whether crypt(3) makes this hash of a password. Python 3.13 has no module for it any more."""
    if b"\0" in data:
        return False
    crypt = ctypes.CDLL("libcrypt.so.1").crypt
    crypt.argtypes, crypt.restype = (ctypes.c_char_p, ctypes.c_char_p), ctypes.c_char_p
    with _one_at_a_time:  # crypt(3) returns a static buffer
        made = crypt(data, hashed.encode())
    return made is not None and hmac.compare_digest(made, hashed.encode())
