"""Text in a code page that the files do not state: it is told, with what to do, until that is done."""

import json
from pathlib import Path

import pytest

from tests.support.plain_files import id3_frame, id3_tag
from tests.support.rare_audio import mp3_of_constant_rate
from tests.support.stack import Stack

pytestmark = [pytest.mark.slow, pytest.mark.long]

TITLE = "Группа крови"


def test_doubtful_text_is_told_until_its_code_page_is_named(tmp_path: Path) -> None:
    music = tmp_path / "music"
    music.mkdir()
    for name, title in (("a.mp3", TITLE.encode("cp1251")), ("b.mp3", b"Plain")):
        tag = id3_tag([id3_frame("TIT2", b"\0" + title, 3)], 3)
        (music / name).write_bytes(tag + mp3_of_constant_rate(1.0))
    stack = Stack(music, tmp_path / "data")
    try:
        told = stack.cli("scan", "--wait").stdout
        assert "1 track with text in a code page that the files do not state" in told
        assert "SONIQUEBAY_TAG_ENCODING" in stack.cli("failures").stdout
        doubtful = {
            track["path"]: stack.get(f"/api/tracks/{track['id']}")["doubtful_text"]
            for track in stack.get("/api/tracks")["items"]
        }
        assert doubtful == {str(music / "a.mp3"): True, str(music / "b.mp3"): False}
    finally:
        assert stack.stop() == 0
    stack = Stack(music, tmp_path / "data", SONIQUEBAY_TAG_ENCODING="cp1251")
    try:
        result = json.loads(stack.cli("scan", "--wait", "--json", "--full").stdout)
        assert result["doubtful_texts"] == 0
        assert TITLE in stack.tracks()
        assert "SONIQUEBAY_TAG_ENCODING" not in stack.cli("failures").stdout
    finally:
        assert stack.stop() == 0
