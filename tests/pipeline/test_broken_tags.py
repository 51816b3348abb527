"""Short sounds and broken tags through a real worker: each file becomes a track with a vector."""

from pathlib import Path

import pytest

from tests.support.audio_files import tone
from tests.support.stack import Stack
from tests.unit.audio.test_broken_tags import FILES

pytestmark = [pytest.mark.slow, pytest.mark.long]

SHORT = (".mp3", ".flac", ".opus", ".m4a", ".wav")


def test_short_sounds_and_broken_tags_have_vectors(tmp_path: Path) -> None:
    music = tmp_path / "music"
    music.mkdir()
    for name, data in FILES.items():
        (music / name).write_bytes(data())
    for suffix in SHORT:
        tone(music / f"short{suffix}", 0.01)
    stack = Stack(music, tmp_path / "data")
    try:
        session = stack.scan()  # until everything is analysed
        # Its music is read; only its sheet cannot be used.
        assert list(stack.failures(session["session_id"])) == ["cue sheet.flac"]
        tracks = [stack.get(f"/api/tracks/{track['id']}") for track in stack.get("/api/tracks", limit=500)["items"]]
        assert len(tracks) == len(FILES) + len(SHORT)
        assert [track["path"] for track in tracks if not track["has_vector"]] == []
    finally:
        assert stack.stop() == 0
