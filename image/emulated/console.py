"""The serial console of an emulated machine."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f]")
_PROGRESS = re.compile(r"(?:Start(?:ing|ed)|Reached target|Mount(?:ing|ed)|Finished|Listening on) .+")


@dataclass(frozen=True)
class Console:
    """A console whose output QEMU writes to a file."""

    log: Path

    def last_message(self) -> str:
        """Return the last progress message of systemd, or else the last line of the kernel."""
        last = ""
        for line in reversed(self._tail().splitlines()):
            plain = _ESCAPES.sub("", line).strip()
            progress = _PROGRESS.search(plain)
            if progress:
                return progress[0]
            last = last or re.sub(r"^\[ *\d+\.\d+\] ", "", plain)
        return last

    def contains(self, text: str) -> bool:
        """Tell whether the log contains a text."""
        return text in self.text()

    def text(self) -> str:
        """Return the log without control sequences; empty when there is none yet."""
        try:
            return _ESCAPES.sub("", self.log.read_text(errors="replace"))
        except FileNotFoundError:
            return ""

    def last_lines(self) -> str:
        """Return the last lines with a heading, for the message of a failed boot."""
        lines = [_ESCAPES.sub("", line).strip() for line in self._tail(4000).splitlines()]
        return "Last lines of its console:\n" + "\n".join(f"    {line}" for line in lines[-12:])

    def _tail(self, size: int = 8192) -> str:
        try:
            with self.log.open("rb") as log:
                log.seek(max(0, os.fstat(log.fileno()).st_size - size))
                return log.read().decode(errors="replace")
        except FileNotFoundError:
            return ""
