"""What a machine writes to its serial console."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f]")
_PROGRESS = re.compile(r"(?:Start(?:ing|ed)|Reached target|Mount(?:ing|ed)|Finished|Listening on) .+")


@dataclass(frozen=True)
class Console:
    """A console that is written to a file."""

    log: Path

    def line(self) -> str:
        """The last thing systemd, or else the kernel, said."""
        last = ""
        for line in reversed(self._tail().splitlines()):
            plain = _ESCAPES.sub("", line).strip()
            found = _PROGRESS.search(plain)
            if found:
                return found[0]
            last = last or re.sub(r"^\[ *\d+\.\d+\] ", "", plain)
        return last

    def has_said(self, text: str) -> bool:
        """Whether a text has been written to it since its log began."""
        try:
            return text in _ESCAPES.sub("", self.log.read_text(errors="replace"))
        except FileNotFoundError:
            return False

    def last_words(self) -> str:
        """The last lines, to be shown where a boot failed."""
        lines = [_ESCAPES.sub("", line).strip() for line in self._tail(4000).splitlines()]
        return "Its console said last:\n" + "\n".join(f"    {line}" for line in lines[-12:])

    def _tail(self, size: int = 8192) -> str:
        try:
            with self.log.open("rb") as log:
                log.seek(max(0, os.fstat(log.fileno()).st_size - size))
                return log.read().decode(errors="replace")
        except FileNotFoundError:
            return ""
