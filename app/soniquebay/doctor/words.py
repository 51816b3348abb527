"""Text without names: only words of the programs themselves are kept."""

import builtins
import errno
import os
import re
from functools import cache
from pathlib import Path

import soniquebay
from soniquebay.listeners import claim_code

MASK = "…"
_WORD = re.compile(r"\w+")
# Paths are hidden as far as they can be seen to be such; addresses and codes although they may consist of numbers.
_PATH = re.compile(
    r"(?<![\w<])(?:/[^\s/:'\",;)]+){2,}/?|\w+://\S+"
    r"|\b\d{1,3}(?:\.\d{1,3}){3}\b|(?:[0-9a-fA-F]{1,4}:){3,}[0-9a-fA-F:.]+"
    r"|(?:[0-9a-fA-F]{1,4}:)*[0-9a-fA-F]{0,4}::[0-9a-fA-F:.]*"  # shortened addresses of IPv6
    rf"|\b[{claim_code.ALPHABET}]{{4}}-[{claim_code.ALPHABET}]{{4}}\b"
)
_NUMBER = re.compile(r"\d+(T\d+)?")  # and the middle of a time
_OTHER_WORDS = (
    "Errno Started Starting Stopped Stopping Scheduled Main process exited restart counter Deactivated Failed"
)
# Of the machine's own folders, which hold no names.
_KNOWN_FOLDERS = (
    "/var/lib/soniquebay",
    "/var/lib/redis",
    "/opt/soniquebay",
    "/run/soniquebay",
    "/run/redis",
    "/usr/lib/python3",
)


def without_names(text: str) -> str:
    """Return a text in which what no program of SoniqueBay says is hidden: names, paths, addresses, tokens.

    Numbers stay. A name that is a word of the programs, as "Album", cannot be told from it.
    """
    return _WORD.sub(_shown, _PATH.sub(_shown_path, text))


def _shown_path(match: re.Match[str]) -> str:
    path = match[0]
    known = next((folder for folder in _KNOWN_FOLDERS if path == folder or path.startswith(f"{folder}/")), None)
    return f"{known}/{MASK}" if known and path != known else path if known else MASK


def _shown(match: re.Match[str]) -> str:
    word = match[0]
    return word if _NUMBER.fullmatch(word) or word in _vocabulary() else MASK


@cache
def _vocabulary() -> frozenset[str]:
    """Return the words of the programs: of their source, of Python's errors, and of what the kernel says."""
    texts = [file.read_text("utf-8") for file in Path(soniquebay.__file__).parent.rglob("*.py")]
    texts += [os.strerror(number) for number in errno.errorcode]
    texts += dir(builtins)
    texts += [
        "Started Starting Stopped Stopping Scheduled Main process exited restart job counter Deactivated Failed systemd"
    ]
    return frozenset(word for text in texts for word in _WORD.findall(text))
