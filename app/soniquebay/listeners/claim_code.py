"""The code that claims the appliance: made by the machine, shown on it, and needed once."""

import contextlib
import hmac
import re
import secrets
from pathlib import Path
from urllib.parse import quote

from soniquebay.atomic_file import replace_file

# Read from a screen and typed: capitals and digits without those that look alike. Eight of them are 39 bits, and
# attempts are limited.
ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
GROUP_CHARACTERS = 4
CONSOLE_FILE = "console"  # in the folder of the code: what the screens of the machine show
QUIET_ZONE_MODULES = 2  # around a QR code; a camera that sees a dark screen needs no more
_CODE = re.compile(rf"[{ALPHABET}]{{{GROUP_CHARACTERS}}}-[{ALPHABET}]{{{GROUP_CHARACTERS}}}")


class ClaimCode:
    """The code of a machine without an owner.

    Files of the folder show it: `code` to the machine's administrators alone, `notice` to everybody who logs in, and
    `console` to everybody who looks at a screen of the machine, with a QR code for a phone.
    """

    def __init__(self, folder: Path, page: str) -> None:
        """`page`: the address where the code is entered."""
        self._code_file, self._notice_file, self._console_file = (
            folder / name for name in ("code", "notice", CONSOLE_FILE)
        )
        self._page = page
        self._code: str | None = None

    @property
    def code(self) -> str | None:
        """The code; None when the machine has an owner."""
        return self._code

    def offer(self) -> str:
        """Make a code, or take the one that is there since an earlier start, and show it.

        Raises ``OSError`` when it cannot be written.
        """
        self._code = self._earlier() or "-".join(
            "".join(secrets.choice(ALPHABET) for _ in range(GROUP_CHARACTERS)) for _ in range(2)
        )
        self._code_file.parent.mkdir(parents=True, exist_ok=True)
        replace_file(self._code_file, f"{self._code}\n".encode())
        notice = f"This SoniqueBay has no owner yet. Open {self._page} and enter the code {self._code}\n"
        replace_file(self._notice_file, notice.encode(), 0o644)
        picture = qr_code(f"{self._page}?code={quote(self._code)}")
        replace_file(self._console_file, f"{notice}{picture}\n".encode(), 0o644)
        return self._code

    def forget(self) -> None:
        """Make the code invalid, and delete the files."""
        self._code = None
        for file in (self._code_file, self._notice_file, self._console_file):
            with contextlib.suppress(OSError):
                file.unlink()

    def matches(self, text: str) -> bool:
        """Tell whether a person has typed the code, with or without the hyphen, in any case."""
        typed = "".join(text.upper().replace("-", "").split())
        code = (self._code or "").replace("-", "")
        return bool(code) and hmac.compare_digest(typed.encode("utf-8", "surrogatepass"), code.encode())

    def _earlier(self) -> str | None:
        try:
            text = self._code_file.read_text("ascii").strip()
        except (OSError, UnicodeError):
            return None
        return text if _CODE.fullmatch(text) else None


def qr_code(text: str) -> str:
    """Return a QR code (ISO/IEC 18004) as lines of half blocks, light ones for a screen with a dark ground."""
    import segno  # once in the life of an appliance

    rows = [list(row) for row in segno.make_qr(text, error="l").matrix_iter(border=QUIET_ZONE_MODULES)]
    rows += [[1] * len(rows[0])] * (len(rows) % 2)
    blocks = {(0, 0): "█", (0, 1): "▀", (1, 0): "▄", (1, 1): " "}
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return "\n".join("".join(blocks[bool(a), bool(b)] for a, b in zip(*pair, strict=True)) for pair in pairs)
