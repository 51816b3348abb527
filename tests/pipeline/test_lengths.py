"""A length that a header states wrongly is corrected by the analysis, until the file changes."""

import json
import os
from pathlib import Path

from tests.support.audio_files import tone
from tests.support.stack import Stack


def test_the_length_of_a_file_that_was_cut_off_is_corrected(tmp_path: Path) -> None:
    music = tmp_path / "music"
    music.mkdir()
    file = tone(music / "x.flac", seconds=50.0, title="Cut off")
    complete = file.read_bytes()
    file.write_bytes(complete[: len(complete) // 2])
    stack = Stack(music, tmp_path / "data")
    try:
        stack.scan()
        track = stack.tracks()["Cut off"]
        assert 24 < track["duration"] < 26
        assert track["has_vector"]
        json.loads(stack.cli("scan", "--full", "--wait-vectors", "--json").stdout)
        assert stack.tracks()["Cut off"] == track
        file.write_bytes(complete)
        os.utime(file, ns=(1, 1))
        stack.scan()
        assert stack.tracks()["Cut off"]["duration"] == 50.0
    finally:
        assert stack.stop() == 0
