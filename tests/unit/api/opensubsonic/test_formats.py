"""XML, JSON and JSONP."""

import json
import random
from xml.etree import ElementTree

import pytest

from soniquebay.api.opensubsonic.errors import SubsonicError
from soniquebay.api.opensubsonic.formats import encode, envelope, is_callback, iso_time, known, to_json, to_xml


def text_of(value: str) -> str | None:
    root = ElementTree.fromstring(to_xml({"a": value, "b": {"value": value}}))  # noqa: S314 - our own
    assert (root[0].text or "") == root.attrib["a"]
    return root.attrib["a"]


def test_the_tree_in_xml() -> None:
    tree = {"status": "ok", "list": [{"id": "1", "x": True, "n": 3, "f": 0.5}], "moods": ["a", "b"],
            "empty": [], "nothing": {}, "line": [{"start": 5, "value": "a\nb"}]}  # fmt: skip
    assert to_xml(tree).decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>\n<subsonic-response xmlns="http://subsonic.org/restapi" status="ok">'
        '<list id="1" x="true" n="3" f="0.5"/><moods>a</moods><moods>b</moods><nothing/>'
        '<line start="5">a&#10;b</line></subsonic-response>'
    )
    assert json.loads(to_json(tree)) == tree


def test_what_is_not_known_is_left_out() -> None:
    assert known({"a": None, "b": "", "c": 0, "d": False, "e": [], "f": None}) == {"b": "", "c": 0, "d": False, "e": []}


def test_what_xml_cannot_hold_is_replaced_and_all_else_comes_back() -> None:
    assert (
        text_of("<a b=\"c\" & 'd'>\t\n\r\x7f\x85\u2028\U0001d11e") == "<a b=\"c\" & 'd'>\t\n\r\x7f\x85\u2028\U0001d11e"
    )
    assert text_of("\x00a\x0b\x1f\ud800\ufffe\uffff") == "\ufffda\ufffd\ufffd\ufffd\ufffd\ufffd"
    chance = random.Random(3)  # noqa: S311 - the same in each run
    for _ in range(200):
        text_of("".join(chr(chance.choice((chance.randrange(0x110000), chance.randrange(256)))) for _ in range(50)))


def test_json_holds_a_lone_surrogate() -> None:
    assert json.loads(to_json({"a": "\ud800", "c": [{}]})) == {"a": "\ud800", "c": [{}]}


@pytest.mark.parametrize(
    ("name", "accepted"),
    [("f", True), ("jQuery123_45", True), ("a.b.$c", True), ("", False), ("a b", False), ("a;b", False), ("a(", False),
     ("1a", False), (".a", False), ("a.", False), ("é", False), ("a\n", False), ("a" * 200, False)],
)  # fmt: skip
def test_callbacks(name: str, accepted: bool) -> None:
    assert is_callback(name) is accepted


def test_jsonp_and_errors() -> None:
    assert encode({"a": 1}, "jsonp", "f") == b'f({"subsonic-response":{"a":1}});'
    failed = envelope({"x": 1}, SubsonicError(70, "no"))
    assert (failed["status"], failed["error"], "x" in failed) == ("failed", {"code": 70, "message": "no"}, False)


def test_times() -> None:
    assert iso_time(None) is None
    assert iso_time(0.25) == "1970-01-01T00:00:00.250Z"
    assert iso_time(1.7e9) == "2023-11-14T22:13:20.000Z"
    assert iso_time(9e18) == "1970-01-01T00:00:00.000Z"
