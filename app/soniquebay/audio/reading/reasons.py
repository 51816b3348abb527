"""The reasons that people see for errors of mutagen."""

import re

import mutagen

# What means nothing to people: Python literals, offsets in the file, names of codecs and classes.
_TECHNICAL = re.compile(r"\bb['\"]|\\x|0x|codec|Error\b|[()]")
_DAMAGED = "the file is damaged"
_MAX_REASON_CHARACTERS = 100

DAMAGED = f"not readable as audio: {_DAMAGED}"


def reason_of(error: mutagen.MutagenError, path: str) -> str:
    """Return mutagen's message without the path, or a plain one where mutagen's means nothing to people."""
    text = str(error).replace(f"{path!r} ", "").strip("\"' ")
    plain = text.isascii() and text.isprintable() and len(text) <= _MAX_REASON_CHARACTERS
    return f"not readable as audio: {text if text and plain and not _TECHNICAL.search(text) else _DAMAGED}"
