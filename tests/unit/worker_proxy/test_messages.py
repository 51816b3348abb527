"""What a remote worker may say to API and Flower: events and answers of its own, which harm no reader."""

import base64
import json
from typing import Any

import pytest

from soniquebay.worker_proxy.messages import MAX_DEPTH, are_own_events, is_own_answer
from tests.support.kombu_messages import heartbeat, message

NODE = "remote@laptop"
TASK = {
    "hostname": NODE, "utcoffset": -2, "pid": 17, "clock": 12, "timestamp": 1_800_000_000, "type": "task-received",
    "uuid": "c2d7c1c6", "name": "vector.calculate", "args": "()", "kwargs": "{'track_id': 1}", "root_id": "c2d7c1c6",
    "parent_id": None, "retries": 0, "eta": None, "expires": None,
}  # fmt: skip
PROPERTIES: dict[str, Any] = json.loads(message({}))["properties"]


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def test_events_and_answers_of_a_worker_are_passed_on() -> None:
    assert are_own_events(message(heartbeat(NODE), headers={"hostname": NODE}), NODE)
    done = {"type": "task-succeeded", "result": "None", "runtime": 0.25}
    assert are_own_events(message([TASK, {**TASK, **done}]), NODE)
    answer = {NODE: {"pool": {"processes": [1, 2], "timeouts": [None, 330.5]}, "pid": 17, "text": "Zoë"}}
    assert is_own_answer(message(answer, headers={"ticket": "t", "clock": 3}), NODE)


MESSAGES: list[dict[str, Any]] = [
    {"content_type": "application/x-python-serialize"}, {"content_type": None}, {"content_encoding": "binary"},
    {"headers": {"compression": "application/x-gzip"}}, {"headers": {"clock": "x"}}, {"headers": {"clock": 10**4299}},
    {"headers": {"clock": None}}, {"headers": {"ticket": 1}}, {"headers": []}, {"headers": None}, {"headers": {"x": 1}},
    {"properties": {}}, {"properties": None}, {"properties": {**PROPERTIES, "body_encoding": "x"}},
    {"properties": {**PROPERTIES, "delivery_tag": None}}, {"properties": {**PROPERTIES, "delivery_info": None}},
    {"properties": {**PROPERTIES, "reply_to": "x"}}, {"x": 1}, {"body": "?"}, {"body": None},
    {"body": base64.b64encode(b"{").decode()}, {"body": base64.b64encode(b"[" * 100_000).decode()},
]  # fmt: skip


@pytest.mark.parametrize("change", MESSAGES, ids=lambda change: str(change)[:60])
def test_a_message_of_another_form_is_refused(change: dict[str, Any]) -> None:
    assert not are_own_events(message(heartbeat(NODE), **change), NODE)
    assert not is_own_answer(message({NODE: {"ok": "pong"}}, **change), NODE)


@pytest.mark.parametrize("text", ["", "x", "[]", "1", "{}", "[" * 100_000, '{"body": NaN}'], ids=lambda text: text[:9])
def test_what_is_no_message_is_refused(text: str) -> None:
    assert not are_own_events(text, NODE)
    assert not is_own_answer(text, NODE)


@pytest.mark.parametrize(
    "change",
    [
        {"hostname": "worker1@pi"}, {"hostname": None}, {"type": "worker-x"}, {"type": "task-sent"}, {"type": None},
        {"type": "task-received"}, {"clock": "12"}, {"clock": 10**400}, {"clock": -(10**400)}, {"clock": True},
        {"timestamp": None}, {"timestamp": -1}, {"timestamp": 1e300}, {"timestamp": float("nan")},
        {"timestamp": float("inf")}, {"utcoffset": 1e9}, {"utcoffset": "x"}, {"freq": "x"}, {"freq": 1e300},
        {"loadavg": "x"}, {"loadavg": [1, 2]}, {"loadavg": ["a", "b", "c"]}, {"sw_sys": {"a": 1}}, {"pid": [1]},
        {"cluster_state": "x"}, {"event": "x"}, {"children": []}, {"local_received": 1},
        {"result": {"__type__": "uuid"}},
    ],
    ids=str,
)  # fmt: skip
def test_an_event_of_another_worker_or_with_other_values_is_refused(change: dict[str, Any]) -> None:
    event = heartbeat(NODE, **change)
    assert not are_own_events(message(event), NODE)
    assert not are_own_events(message([heartbeat(NODE), event]), NODE)


@pytest.mark.parametrize("missing", ["hostname", "type", "clock", "timestamp"])
def test_an_event_has_what_its_readers_need(missing: str) -> None:
    event = heartbeat(NODE)
    del event[missing]
    assert not are_own_events(message(event), NODE)


@pytest.mark.parametrize(
    "answer",
    [
        {"worker1@pi": {"ok": "pong"}}, {NODE: {}, "worker1@pi": {}}, {}, [], "x", None, 1,
        {NODE: {"__type__": "decimal", "__value__": "1"}}, {NODE: 10**400}, {NODE: float("inf")},
        {NODE: nested(MAX_DEPTH)},
    ],
    ids=lambda answer: str(answer)[:60],
)  # fmt: skip
def test_an_answer_for_another_worker_or_of_other_values_is_refused(answer: Any) -> None:
    assert not is_own_answer(message(answer), NODE)
