"""Encoding and decoding of paths."""

import json

import pytest

from soniquebay.library.paths import decode, encode, is_within


@pytest.mark.parametrize(
    "path",
    [b"/music/a.mp3", "/m/Beyoncé ☃.flac".encode(), b"/m/caf\xe9.ogg", rb"/m/back\slash.mp3", rb"/m/\xe9.mp3",
     b"/m/\xff\xfe\\\\x41.wav", b"/m/new\nline \"quotes\" ?*<>|.opus", b"/m/" + b"\xf0" * 255],
)  # fmt: skip
def test_a_path_survives_json(path: bytes) -> None:
    assert decode(json.loads(json.dumps(encode(path)).encode("utf-8"))) == path


def test_different_paths_have_different_encodings() -> None:
    assert encode(b"/m/\xe9") != encode(rb"/m/\xe9")


def test_valid_utf8_stays_readable() -> None:
    assert encode("/m/Ä b.mp3") == "/m/Ä b.mp3"


@pytest.mark.parametrize("text", ["/a\\", "/a\\q", "/a\\x4g", "/\\x41"])
def test_invalid_encodings_are_rejected(text: str) -> None:
    with pytest.raises(ValueError, match="not an encoded path"):
        decode(text)


@pytest.mark.parametrize(
    ("path", "folder", "within"),
    [("/m", "/m", True), ("/m/a", "/m", True), ("/m/a", "/m/", True), ("/music", "/m", False), ("/m", "/", True),
     ("/", "/m", False), ("/m", "/m/a", False)],
)  # fmt: skip
def test_a_path_is_within_a_folder(path: str, folder: str, within: bool) -> None:
    assert is_within(path, folder) is within
    assert is_within(path.encode(), folder.encode()) is within
