"""Cursors: where a list goes on, as text that a client gives back."""

import base64
import binascii
import json
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

Key = tuple[int | float | str | None, ...]

_OTHER_LIST = "the cursor is of a list with another sort or other filters"
BROKEN = "this is no cursor that a list has given"
_MAX_INT = 2**63 - 1


class CursorError(ValueError):
    """A cursor does not belong to the list, or is no cursor at all."""


def encode(list_identity: Sequence[Any], key: Key) -> str:
    """Return the cursor behind a row with this key; `list_identity`: the list, its filters and its sort."""
    data = json.dumps([_digest(list_identity), *key], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(data.encode("utf-8", "surrogatepass")).rstrip(b"=").decode()


def decode(list_identity: Sequence[Any], cursor: str, types: Sequence[type]) -> Key:
    """Return the key in a cursor. Raises `CursorError` unless it is of the same list, and has these types, or None."""
    try:
        data = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise CursorError(BROKEN) from error
    if not isinstance(data, list) or not data:
        raise CursorError(BROKEN)
    if data[0] != _digest(list_identity):
        raise CursorError(_OTHER_LIST)
    key = tuple(data[1:])
    if len(key) != len(types) or not all(map(_is_value, key, types)):
        raise CursorError(BROKEN)
    return key


def _is_value(value: object, kind: type) -> bool:
    if value is None:
        return True
    if isinstance(value, bool) or (isinstance(value, int) and abs(value) > _MAX_INT):
        return False
    if isinstance(value, str):
        return kind is str and value.isascii() | (value.encode("utf-8", "replace").decode() == value)
    return isinstance(value, int | float) and kind in {int, float}


def _digest(list_identity: Sequence[Any]) -> str:
    return blake2b(json.dumps(list_identity).encode(), digest_size=6).hexdigest()
