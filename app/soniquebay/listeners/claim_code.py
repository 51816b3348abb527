"""The code that claims the appliance: made by the machine, shown on it, and needed once."""

import contextlib
import hmac
import os
import secrets
from pathlib import Path

# Read from a screen and typed: capitals and digits without those that look alike. Eight of them are 39 bits, and
# attempts are limited.
ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
CODE_CHARACTERS = 8


class ClaimCode:
    """The code of a machine without an owner, and the file in which the machine's administrators find it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._code: str | None = None

    @property
    def code(self) -> str | None:
        """The code; None when the machine has an owner."""
        return self._code

    def make(self) -> str:
        """Make a new code, and write it into the file. Raises ``OSError`` when it cannot be written."""
        letters = "".join(secrets.choice(ALPHABET) for _ in range(CODE_CHARACTERS))
        self._code = f"{letters[:4]}-{letters[4:]}"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        partial = self._path.with_name(f"{self._path.name}.partial")
        partial.unlink(missing_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{self._code}\n")
        partial.replace(self._path)
        return self._code

    def forget(self) -> None:
        """Make the code invalid, and delete the file."""
        self._code = None
        with contextlib.suppress(OSError):
            self._path.unlink()

    def matches(self, text: str) -> bool:
        """Tell whether a person has typed the code, with or without the hyphen, in any case."""
        typed = "".join(text.upper().replace("-", "").split())
        code = (self._code or "").replace("-", "")
        return bool(code) and hmac.compare_digest(typed.encode("utf-8", "surrogatepass"), code.encode())
