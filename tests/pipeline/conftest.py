"""One real stack over one real library, shared by the tests that only look or add; and workers on their own."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.audio_files import CODECS, png, tone
from tests.support.stack import Stack
from tests.support.workers import Bench


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder with every format, and beside it what breaks scanners."""
    music = tmp_path_factory.mktemp("music")
    album = music / "Artist" / "Album"
    album.mkdir(parents=True)
    for number, suffix in enumerate(CODECS, start=1):
        tone(album / f"{number}{suffix}", frequency=200 + 50 * number, title=f"Song {suffix[1:]}", artist="Ärtist",
             album="Albüm", tracknumber=str(number), genre="folk; Rock", picture=suffix == ".flac")  # fmt: skip
    other = music / "Other"
    other.mkdir()
    (other / "folder.jpg").write_bytes(png())
    tone(other / "x.ogg", title="Other", artist="The Others", album="Second")
    odd = music / 'Odd ?"*<>|'
    odd.mkdir()
    (odd / "empty.mp3").touch()
    (odd / "broken.flac").write_bytes(b"fLaC" + os.urandom(4000))
    (odd / "text.ogg").write_text("not music")
    os.mkfifo(odd / "pipe.wav")
    plain = tone(odd / "plain.ogg", title="Not UTF-8")
    plain.rename(os.fsdecode(os.fsencode(odd) + b"/caf\xe9.ogg"))
    return music


@pytest.fixture(scope="session")
def stack(library: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    running = Stack(library, tmp_path_factory.mktemp("data"))
    try:
        yield running
    finally:
        code = running.stop()
    assert code == 0


@pytest.fixture(scope="session")
def scanned(stack: Stack) -> dict[str, object]:
    """Return the summary of the first scan."""
    return stack.scan()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Give a Redis of its own for real workers, without the rest of the stack."""
    running = Bench(tmp_path)
    yield running
    running.stop()
