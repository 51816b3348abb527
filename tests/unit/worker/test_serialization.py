"""Task messages: the same JSON whether orjson or kombu writes and reads it."""

import datetime
import json
from typing import Any

import pytest
from kombu.serialization import dumps
from kombu.utils import json as kombu_json

from soniquebay.worker import serialization
from soniquebay.worker.app import app

VALUES = [
    [[], {"session_id": 1, "files": [{"path": "/ü/\\xff", "size": 2**40, "mtime_ns": 2**62}]}, {"chord": None}],
    ["\N{DESERT}", 'a "quoted" text', "\x00", 1.25, None, True, []],
]


@pytest.mark.parametrize("value", VALUES)
def test_each_reads_what_the_other_has_written(value: Any) -> None:
    assert serialization.decode(serialization.encode(value)) == value
    assert serialization.decode(kombu_json.dumps(value)) == value
    assert kombu_json.loads(serialization.encode(value)) == value
    assert b'": ' not in serialization.encode(value)  # orjson wrote it


@pytest.mark.parametrize("value", ["half a character: \ud800", 2**70, [datetime.date(2001, 2, 3)]])
def test_what_orjson_does_not_take_goes_through_kombu(value: Any) -> None:
    assert serialization.decode(serialization.encode({"a": value})) == json_of({"a": value})
    assert serialization.decode(kombu_json.dumps({"a": value})) == json_of({"a": value})


def json_of(value: Any) -> Any:
    return kombu_json.loads(kombu_json.dumps(value))


def test_a_broken_message_is_an_error() -> None:
    for broken in (b"{", "", b"\xff"):
        with pytest.raises(ValueError, match=r".+"):
            serialization.decode(broken)


def test_tasks_are_sent_as_plain_json() -> None:
    content_type, encoding, data = dumps(VALUES[0], serializer=app.conf.task_serializer)
    assert (content_type, encoding) == ("application/json", "utf-8")
    assert json.loads(data) == VALUES[0]
