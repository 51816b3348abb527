"""The length of files whose headers state another one: cut off while they were copied, or written wrongly."""

from pathlib import Path

import pytest

from soniquebay.audio.analysis import analyse
from soniquebay.audio.length import measured_length
from soniquebay.audio.reading.read import read_file
from tests.support.audio_files import CODECS, tone
from tests.support.plain_files import encoded

SECONDS = 50.0


def with_stated_samples(flac: bytes, samples: int) -> bytes:
    """Return a FLAC file whose header states so many samples."""
    return flac[:21] + bytes([flac[21] & 0xF0 | samples >> 32]) + (samples & 0xFFFFFFFF).to_bytes(4, "big") + flac[26:]


@pytest.mark.parametrize("share", [1.0, 0.6])
@pytest.mark.parametrize("suffix", [".flac", ".wv", ".tta", ".aiff", ".wma", ".mka"])
def test_a_file_that_was_cut_off_is_as_long_as_what_is_there(tmp_path: Path, suffix: str, share: float) -> None:
    file = tone(tmp_path / f"x{suffix}", seconds=SECONDS)
    data = file.read_bytes()
    file.write_bytes(data[: int(share * len(data))])
    assert read_file(str(file)).sound.duration == pytest.approx(SECONDS, abs=0.1)
    assert measured_length(str(file)) == pytest.approx(share * SECONDS, abs=1.2 if share < 1 else 0.1)


def test_an_mp4_file_that_was_cut_off_is_as_long_as_what_is_there(tmp_path: Path) -> None:
    data = encoded("m4a", "aac", seconds=SECONDS, movflags="faststart")
    file = tmp_path / "x.m4a"
    file.write_bytes(data[: len(data) // 2])
    assert read_file(str(file)).sound.duration == pytest.approx(SECONDS, abs=0.1)
    assert measured_length(str(file)) == pytest.approx(SECONDS / 2, abs=1.5)


@pytest.mark.parametrize("stated_seconds", [5.0, 500.0])
def test_a_header_that_lies_is_corrected(tmp_path: Path, stated_seconds: float) -> None:
    file = tone(tmp_path / "x.flac", seconds=SECONDS)
    file.write_bytes(with_stated_samples(file.read_bytes(), int(48000 * stated_seconds)))
    assert read_file(str(file)).sound.duration == stated_seconds
    assert measured_length(str(file)) == pytest.approx(SECONDS, abs=0.1)
    assert analyse(str(file)).length == pytest.approx(SECONDS, abs=0.1)
    # A part that ends with its file is measured, and none that ends before.
    assert analyse(str(file), 45.0).length == pytest.approx(SECONDS - 45, abs=0.1)
    assert analyse(str(file), 1.0, 3.0).length is None


@pytest.mark.parametrize("suffix", list(CODECS))
def test_every_short_file_is_measured(tmp_path: Path, suffix: str) -> None:
    file = str(tone(tmp_path / f"x{suffix}", seconds=3.0))
    assert analyse(file).length == pytest.approx(3.0, abs=0.15)


def test_what_is_measured_where_it_is_read_is_not_measured_again(tmp_path: Path) -> None:
    # FFmpeg takes the length of the last of several Ogg streams for that of the file.
    first = tone(tmp_path / "x.ogg", seconds=40.0).read_bytes()
    second = tone(tmp_path / "y.ogg", seconds=45.0).read_bytes()
    chained = tmp_path / "chained.ogg"
    chained.write_bytes(first + second)
    assert measured_length(str(chained)) is None
    assert analyse(str(chained)).length is None
    assert measured_length(str(tmp_path / "gone.flac")) is None
