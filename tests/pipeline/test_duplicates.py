"""Duplicates through a real worker: one recording in several formats is one group, whatever its tags say."""

import json
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from tests.support import sounds
from tests.support.audio_files import tag
from tests.support.stack import Stack, wait_until
from tests.support.synthetic_music import RATE_HZ, piece

pytestmark = pytest.mark.slow

COMPARED_SECONDS = 180.0  # a task, the pause before it, and a busy machine
SECONDS = 45.0  # more than what is decoded whole
FORMATS = {".flac": ("flac", "s16", {}), ".mp3": ("libmp3lame", "flt", {"b": "128000"}),
           ".m4a": ("aac", "flt", {"b": "128000"}), ".ogg": ("vorbis", "flt", {"b": "192000"})}  # fmt: skip


def write(path: Path, samples: sounds.Samples, **tags: str) -> None:
    codec, sample_format, options = FORMATS[path.suffix]
    path.parent.mkdir(parents=True, exist_ok=True)
    sounds.write(path, samples, RATE_HZ, codec, sample_format, **options)
    tag(path, **tags)


def names(stack: Stack) -> list[set[str]]:
    """Return the names of the files of each group, once the library is compared."""
    answer: dict[str, Any] = wait_until(lambda: _complete(stack), COMPARED_SECONDS)
    return [{Path(track["path"]).name for track in group["tracks"]} for group in answer["items"]]


def _complete(stack: Stack) -> Any:
    answer = stack.get("/api/duplicates", limit=500)
    return answer if answer["complete"] else None


def test_one_recording_in_several_files_is_a_group_and_stays_one(tmp_path: Path) -> None:
    music = tmp_path / "music"
    first, second = piece(1, SECONDS), piece(2, SECONDS)
    write(music / "Album/one.flac", first, title="One", artist="A", album="Album")
    write(music / "Album/two.flac", second, title="Two", artist="A", album="Album")
    write(music / "Compilation/07.mp3", 0.5 * first, title="Something else", artist="B", album="Hits")
    write(music / "Old/one.m4a", np.pad(first, ((0, 0), (22_050, 0))), title="one")
    write(music / "Old/one.ogg", first)
    write(music / "Album/three.flac", piece(3, SECONDS), title="Three", artist="A", album="Album")
    stack = Stack(music, tmp_path / "data")
    try:
        stack.scan()
        assert names(stack) == [{"one.flac", "07.mp3", "one.m4a", "one.ogg"}]
        (group,) = stack.get("/api/duplicates")["items"]
        assert group["tracks"][0]["format"] == "FLAC"
        assert {track["album"] for track in group["tracks"]} >= {"Album", "Hits"}
        for track in group["tracks"]:
            assert track["size"] == Path(track["path"]).stat().st_size
        _check_the_command(stack, group)
        (music / "Old/one.ogg").unlink()
        write(music / "Compilation/08.mp3", second, title="Two again")
        stack.scan()
        assert names(stack) == [{"one.flac", "07.mp3", "one.m4a"}, {"two.flac", "08.mp3"}]
        write(music / "Compilation/07.mp3", piece(4, SECONDS), title="Another one in the same file")
        stack.scan()
        assert names(stack) == [{"one.flac", "one.m4a"}, {"two.flac", "08.mp3"}]
        assert "Traceback" not in (stack.data / "logs/worker.log").read_text()
        assert httpx.put(f"{stack.url}/internal/duplicates", json={}, timeout=30).status_code == 403
    finally:
        stack.stop()


def _check_the_command(stack: Stack, group: dict[str, Any]) -> None:
    printed = stack.cli("duplicates")
    assert "1 recording in 4 files" in printed.stderr
    for track in group["tracks"]:
        assert f"  {track['format']}, " in printed.stdout
        assert track["path"] in printed.stdout
    assert json.loads(stack.cli("duplicates", "--json").stdout) == {"complete": True, "duplicates": [group]}
