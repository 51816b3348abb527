"""The messages that a remote worker may send to others: events and answers to remote control, of this worker alone.

API and Flower read them with Celery and kombu, which expect them from workers that are trusted: a header names a
compression, fields become attributes, and a logical clock is passed on to all workers. So a message has the form that
a worker of this project gives it, and each value is of the kind that is expected.
"""

import base64
import json
import math
import re
from typing import Any

MAX_DEPTH = 16  # of an answer; those to `stats` and `active` have 6
MAX_NUMBER = 2**53
MAX_TIME_SECONDS = 2.0**37  # Unix time, in the year 6325: what is later is no date
MAX_UTC_OFFSET_HOURS = 24

_KEYS = {"body", "content-encoding", "content-type", "headers", "properties"}
_HEADERS = {"clock", "hostname", "ticket"}
_PROPERTIES = {"body_encoding", "delivery_info", "delivery_mode", "delivery_tag", "priority"}
_EVENT_TYPE = re.compile(
    r"worker-(online|heartbeat|offline)|task-(received|started|succeeded|failed|rejected|revoked|retried)"
)
_NUMBERS = {"active", "clock", "freq", "pid", "processed", "timestamp", "utcoffset"}
_TEXTS = {"hostname", "sw_ident", "sw_sys", "sw_ver", "type", "uuid"}
_OTHERS = {
    *("args", "eta", "exception", "expired", "expires", "kwargs", "name", "parent_id", "requeue", "result"),
    *("retries", "root_id", "runtime", "signum", "terminated", "traceback"),
}


def are_own_events(message: str, node: str) -> bool:
    """Tell whether a message has an event, or several, of the worker with this node name and of nobody else."""
    try:
        events = _body(message)
    except (ValueError, RecursionError):
        return False
    events = events if isinstance(events, list) else [events]
    return all(isinstance(event, dict) and _is_event(event, node) for event in events)


def is_own_answer(message: str, node: str) -> bool:
    """Tell whether a message answers remote control for the worker with this node name and for nobody else."""
    try:
        answer = _body(message)
    except (ValueError, RecursionError):
        return False
    return isinstance(answer, dict) and list(answer) == [node] and _is_plain(answer, MAX_DEPTH)


def _body(text: str) -> Any:
    """Return what is in a message of kombu. Raises ``ValueError`` for another form, and ``RecursionError``."""
    message = json.loads(text)
    if not isinstance(message, dict) or message.keys() != _KEYS:
        raise ValueError("no message")
    headers, properties = message["headers"], message["properties"]
    is_known = (
        (message["content-type"], message["content-encoding"]) == ("application/json", "utf-8")
        and isinstance(headers, dict)
        and headers.keys() <= _HEADERS
        and all(_is_number(value) if name == "clock" else isinstance(value, str) for name, value in headers.items())
        and isinstance(properties, dict)
        and properties.keys() <= _PROPERTIES
        and properties.get("body_encoding") == "base64"
        and isinstance(properties.get("delivery_tag"), str)
        and isinstance(properties.get("delivery_info"), dict)
        and isinstance(message["body"], str)
    )
    if not is_known:
        raise ValueError("a message of another kind")
    body = base64.b64decode(message["body"], validate=True)
    if b"__type__" in body:
        raise ValueError("a value that kombu would make an object of")
    return json.loads(body)


def _is_event(event: dict[str, Any], node: str) -> bool:
    kind = event.get("type")
    return (
        event.get("hostname") == node
        and isinstance(kind, str)
        and _EVENT_TYPE.fullmatch(kind) is not None
        and (kind.startswith("worker-") or "uuid" in event)
        and {"clock", "timestamp"} <= event.keys()
        and 0 <= _number(event["timestamp"]) <= MAX_TIME_SECONDS
        and abs(_number(event.get("utcoffset", 0))) <= MAX_UTC_OFFSET_HOURS
        and all(_is_field(name, value) for name, value in event.items())
    )


def _is_field(name: str, value: Any) -> bool:
    if name in _NUMBERS:
        return _is_number(value)
    if name in _TEXTS:
        return isinstance(value, str)
    if name == "loadavg":
        return isinstance(value, list) and len(value) == 3 and all(map(_is_number, value))
    return name in _OTHERS and (value is None or isinstance(value, str | bool) or _is_number(value))


def _is_number(value: Any) -> bool:
    return abs(_number(value)) <= MAX_NUMBER


def _number(value: Any) -> float:
    """Return a value if it is a number, else infinity."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.inf
    return value


def _is_plain(value: Any, depth: int) -> bool:
    if isinstance(value, dict | list):
        values = value.values() if isinstance(value, dict) else value
        return depth > 0 and all(_is_plain(one, depth - 1) for one in values)
    return value is None or isinstance(value, str | bool) or _is_number(value)
