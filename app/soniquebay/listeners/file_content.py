"""What a playlist file says, of any kind: its name, and its locations or rules."""

import json
import re
from dataclasses import dataclass

from soniquebay.audio.file_names import RULES_SUFFIX
from soniquebay.audio.reading.text import decode_unmarked
from soniquebay.listeners import rules
from soniquebay.listeners.playlist_files import MAX_FILE_BYTES, NotAPlaylistError, parse
from soniquebay.listeners.playlists import MAX_NAME_CHARACTERS
from soniquebay.listeners.rules import UnacceptableRulesError

# A text of JSON, which may have the signs of a comment in it; or a comment, which Navidrome takes out.
_TEXT_OR_COMMENT = re.compile(r'("(?:[^"\\\n]|\\.)*")|//[^\n]*|/\*.*?\*/', re.DOTALL)


@dataclass(frozen=True, slots=True)
class FileContent:
    """What a playlist file says."""

    name: str
    """That in the file, else that of the file."""
    comment: str
    rules: str | None
    """JSON that was checked: of a smart playlist, which has no locations."""
    locations: list[bytes]
    """Where its entries are, as they are spelt."""


def read(path: bytes, data: bytes, tag_encoding: str = "") -> FileContent:
    """Read the bytes of a file at a path. `tag_encoding` is that of the settings. Raises `NotAPlaylistError`."""
    stem, _, suffix = path.rpartition(b"/")[2].rpartition(b".")
    name = decode_unmarked(stem.decode("latin-1"), tag_encoding)[0]
    if suffix.lower() != RULES_SUFFIX[1:].encode():
        playlist = parse(data, tag_encoding)
        return FileContent(_printable(playlist.name) or _printable(name) or "?", "", None, playlist.locations)
    if len(data) > MAX_FILE_BYTES:
        raise NotAPlaylistError(f"it is larger than {MAX_FILE_BYTES >> 20} MiB")
    content = _without_comments(data)
    try:
        smart = rules.read(content)
        checked = rules.checked(json.loads(content))
    except UnacceptableRulesError as error:
        raise NotAPlaylistError(str(error)) from error
    return FileContent(_printable(smart.name) or _printable(name) or "?", smart.comment, checked, [])


def _without_comments(data: bytes) -> bytes:
    text = data.decode("utf-8-sig", "replace")
    return _TEXT_OR_COMMENT.sub(lambda match: match[1] or " ", text).encode()


def _printable(name: str | None) -> str:
    return "".join(c for c in name or "" if c.isprintable()).strip()[:MAX_NAME_CHARACTERS].strip()
