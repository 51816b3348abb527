"""What is no music is left out and told, and ignore files take tracks out of the library and bring them back."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.audio_files import tone
from tests.support.stack import Stack


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Stack]:
    music = tmp_path / "music"
    for name in ("Real/01.ogg", "Real/02.ogg", "Ringtones/03.ogg", "#Recycle/Real/01.ogg", ".stversions/Real/01.ogg"):
        path = music / name
        path.parent.mkdir(parents=True, exist_ok=True)
        tone(path, title=path.stem, artist="Keeper", album=path.parent.name)
    (music / "Real" / "._01.ogg").write_bytes(bytes.fromhex("0005160700020000") + b"\0" * 4000)
    (music / "Real" / "old.ra").write_bytes(b".ra\xfd")
    running = Stack(music, tmp_path / "data")
    yield running
    running.stop()


def scan(running: Stack, *arguments: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(running.cli("scan", "--wait", "--json", *arguments).stdout)
    return result


def ids(running: Stack) -> dict[str, int]:
    return {track["title"]: track["id"] for track in running.get("/api/tracks")["items"]}


def test_what_is_left_out_is_told_and_ignore_files_are_followed(running: Stack) -> None:
    music = running.music
    first = scan(running)
    assert (first["tracks"], first["failures"]) == (3, 0)
    expected = [
        {"reason": reason, "files": files, "folders": folders, "example": str(music / example)}
        for reason, files, folders, example in (
            ("AppleDouble: what macOS keeps beside a file", 1, 0, "Real/._01.ogg"),
            ("format is not read: RealAudio", 1, 0, "Real/old.ra"),
            ("recycle bin", 0, 1, "#Recycle"),
            ("snapshots and old versions", 0, 1, ".stversions"),
        )
    ]
    assert first["left_out"] == expected
    assert running.get(f"/api/scan-sessions/{first['session_id']}")["left_out"] == expected
    listed = running.cli("failures")
    assert listed.stdout.splitlines()[2:] == [
        f"left out: 1 folder (recycle bin), for example {music}/#Recycle",
        f"left out: 1 folder (snapshots and old versions), for example {music}/.stversions",
    ]
    assert json.loads(running.cli("failures", "--json").stdout)["left_out"] == expected

    before = ids(running)
    (music / "Ringtones" / ".nomedia").touch()
    (music / "Real" / ".soniquebayignore").write_text("02.*\n")
    ignored = scan(running)
    assert (ignored["tracks"], ignored["missing"], ignored["failures"]) == (1, 2, 0)
    assert [told["reason"] for told in ignored["left_out"] if told["reason"].startswith("ignored")] == [
        "ignored by .nomedia", "ignored by .soniquebayignore"
    ]  # fmt: skip
    # A scan of one folder alone follows the ignore files too.
    assert scan(running, str(music / "Ringtones"))["tracks"] == 1

    (music / "Ringtones" / ".nomedia").unlink()
    (music / "Real" / ".soniquebayignore").write_text("# 02.*\n")
    assert scan(running, str(music / "Ringtones"))["tracks"] == 2
    assert scan(running)["tracks"] == 3
    assert ids(running) == before

    # A root of which nothing is wanted is no unplugged drive.
    (music / ".ndignore").touch()
    nothing = scan(running)
    assert (nothing["tracks"], nothing["missing"], nothing["protected"]) == (0, 3, 0)
    (music / ".ndignore").unlink()
    assert scan(running)["tracks"] == 3
    assert ids(running) == before


def test_the_summary_of_a_scan_tells_what_was_left_out(running: Stack) -> None:
    shown = running.cli("scan", "--wait").stdout
    assert f"left out: 1 folder (recycle bin), for example {running.music}/#Recycle" in shown
    assert "left_out" not in shown
