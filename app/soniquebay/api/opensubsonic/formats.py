"""The forms of an answer: XML, JSON and JSONP, all made from one tree of dictionaries, lists and plain values.

In XML the plain values of an element are its attributes, and lists are elements that repeat. A text named `value` is
the text of its element. None is no such value: `known` leaves it out.
"""

import json
import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal

import orjson

from soniquebay import __version__
from soniquebay.api.opensubsonic.errors import SubsonicError

Format = Literal["xml", "json", "jsonp"]
API_VERSION = "1.16.1"
MEDIA_TYPES: dict[Format, str] = {
    "xml": "application/xml", "json": "application/json", "jsonp": "application/javascript",
}  # fmt: skip
_NAME = r"[A-Za-z_$][A-Za-z0-9_$]{0,99}"
_CALLBACK = re.compile(rf"{_NAME}(?:\.{_NAME}){{0,9}}")
_NAMESPACE = "http://subsonic.org/restapi"
# All that is not written as it is: markup, white space of attributes, and what XML 1.0 cannot hold.
_SPECIAL = re.compile("[^ !#-%'-;=?-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES = {
    "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;",
}  # fmt: skip
_REPLACEMENT = "\ufffd"
Tree = dict[str, Any]


def is_callback(name: str) -> bool:
    """Tell whether a name can be that of a function in JavaScript, and nothing more."""
    return _CALLBACK.fullmatch(name) is not None


@lru_cache(4096)  # files of one batch were added at the same time
def iso_time(unix_time: float | None) -> str | None:
    """Return a time (Unix seconds) as ISO 8601 in UTC, with milliseconds; None for None."""
    if unix_time is None:
        return None
    try:
        moment = datetime.fromtimestamp(unix_time, UTC)
    except (ValueError, OverflowError, OSError):
        moment = datetime.fromtimestamp(0, UTC)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def known(fields: Tree) -> Tree:
    """Return an element without the fields of which nothing is known, those that are None."""
    return {name: value for name, value in fields.items() if value is not None} if None in fields.values() else fields


def envelope(content: Tree, error: SubsonicError | None = None) -> dict[str, Any]:
    """Return what every answer has, and the content or the error."""
    common = {
        "status": "failed" if error else "ok",
        "version": API_VERSION,
        "type": "soniquebay",
        "serverVersion": __version__,
        "openSubsonic": True,
    }
    return {**common, "error": {"code": error.code, "message": error.message}} if error else {**common, **content}


def encode(answer: Tree, form: Format, callback: str = "") -> bytes:
    """Return an answer as bytes. `callback`: the function of JSONP, which `is_callback` has accepted."""
    if form == "xml":
        return to_xml(answer)
    data = to_json({"subsonic-response": answer})
    return b"%s(%s);" % (callback.encode(), data) if form == "jsonp" else data


def to_json(tree: Tree) -> bytes:
    """Return a tree as JSON."""
    try:
        return orjson.dumps(tree)
    except TypeError:  # a lone surrogate, which has no UTF-8
        return json.dumps(tree).encode()


def to_xml(answer: Tree) -> bytes:
    """Return an answer as XML."""
    parts = ['<?xml version="1.0" encoding="UTF-8"?>\n']
    _write(parts, "subsonic-response", {"xmlns": _NAMESPACE, **answer})
    return "".join(parts).encode()


def _write(parts: list[str], name: str, element: Tree) -> None:
    attributes, text = "", ""
    children = []
    for key, value in element.items():
        if isinstance(value, dict | list):
            children.append((key, value))
        elif key == "value":
            text = _plain(value)
        else:
            attributes += f' {key}="{_plain(value)}"'
    if not children:
        parts.append(f"<{name}{attributes}>{text}</{name}>" if text else f"<{name}{attributes}/>")
        return
    parts.append(f"<{name}{attributes}>{text}")
    for key, value in children:
        if isinstance(value, dict):
            _write(parts, key, value)
            continue
        for item in value:
            if isinstance(item, dict):
                _write(parts, key, item)
            else:
                parts.append(f"<{key}>{_plain(item)}</{key}>")
    parts.append(f"</{name}>")


def _plain(value: Any) -> str:
    if value is True or value is False:
        return "true" if value else "false"
    text = value if isinstance(value, str) else str(value)
    return _SPECIAL.sub(_escape, text) if _SPECIAL.search(text) else text


def _escape(match: re.Match[str]) -> str:
    return _ESCAPES.get(match[0], _REPLACEMENT)
