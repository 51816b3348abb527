"""The loudness, peak and silence of real files: the cases of EBU Tech 3341, ranges, and files that are damaged."""

from pathlib import Path

import numpy as np
import pytest

from soniquebay.audio.decode import UnavailableAudioError, UndecodableAudioError
from soniquebay.transcoding import measuring
from soniquebay.transcoding.measuring import measure_loudness
from tests.support.sounds import Samples, level, samples_of, write

RATE = 48_000
QUIET = -200.0
PEAK_OVER_LEVEL_DB = 3.01  # of a sine


def sine(*stretches: tuple[float, float], channels: int = 2, rate: int = RATE) -> Samples:
    """Return a tone of 1 kHz in stretches, each of a level (dB of full scale) and a length (seconds)."""
    gain = np.concatenate([np.full(round(seconds * rate), 10 ** (level / 20)) for level, seconds in stretches])
    tone = gain * np.sin(2 * np.pi * 1000 * np.arange(gain.size) / rate)
    return np.stack([tone] * channels)


@pytest.mark.parametrize(
    "stretches",
    [
        [(-23, 20)],
        [(-36, 10), (-23, 60), (-36, 10)],
        [(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)],
        [(-26, 20), (-20, 20.1), (-26, 20)],
    ],
    ids=["1", "3", "4", "5"],
)
def test_cases_of_ebu_tech_3341_are_23_lufs_below_full_scale(
    tmp_path: Path, stretches: list[tuple[float, float]]
) -> None:
    path = write(tmp_path / "a.flac", sine(*stretches), RATE, "flac")
    assert measure_loudness(str(path)).integrated_lufs == pytest.approx(-23.0, abs=0.1)


def test_the_case_of_five_channels_is_measured_by_the_weights_of_the_channels(tmp_path: Path) -> None:
    levels = np.array([-28, -28, -24, QUIET, -30, -30])  # the fourth is for low frequencies alone
    samples = sine((0, 20), channels=6) * 10 ** (levels[:, None] / 20)
    path = write(tmp_path / "a.flac", samples, RATE, "flac")
    assert measure_loudness(str(path)).integrated_lufs == pytest.approx(-23.0, abs=0.1)


@pytest.mark.parametrize(
    ("name", "codec", "rate", "form"),
    [("a.mp3", "libmp3lame", 44_100, "flt"), ("a.opus", "libopus", 48_000, "flt"), ("a.m4a", "aac", 22_050, "flt"),
     ("a.flac", "flac", 96_000, "s32"), ("b.flac", "flac", 8_000, "s16")],
)  # fmt: skip
def test_every_format_and_rate_is_as_loud_as_it_sounds(
    tmp_path: Path, name: str, codec: str, rate: int, form: str
) -> None:
    path = write(tmp_path / name, sine((-33, 10), rate=rate), rate, codec, form)
    found = measure_loudness(str(path))
    decoded, _ = samples_of(path)  # encoders make it up to 0.5 dB quieter
    assert found.integrated_lufs == pytest.approx(level(decoded[:, rate : 9 * rate]) + PEAK_OVER_LEVEL_DB, abs=0.1)
    assert found.sample_peak == pytest.approx(np.abs(decoded).max(), rel=0.02)


def test_one_channel_is_heard_from_both_loudspeakers(tmp_path: Path) -> None:
    path = write(tmp_path / "a.flac", sine((-23, 10), channels=1), RATE, "flac")
    assert measure_loudness(str(path)).integrated_lufs == pytest.approx(-23.0, abs=0.1)


def test_peak_and_silence_are_those_of_the_samples(tmp_path: Path) -> None:
    path = write(tmp_path / "a.flac", sine((QUIET, 1.5), (-6, 3), (QUIET, 0.73)), RATE, "flac")
    found = measure_loudness(str(path))
    assert found.sample_peak == pytest.approx(10 ** (-6 / 20), abs=1e-3)
    assert (found.silence_start_seconds, found.silence_end_seconds) == (
        pytest.approx(1.5, abs=2e-3),
        pytest.approx(0.73, abs=2e-3),
    )


@pytest.mark.parametrize(("name", "codec", "form"), [("a.flac", "flac", "s16"), ("a.mp3", "libmp3lame", "flt")])
def test_a_range_is_measured_as_if_it_were_a_file(tmp_path: Path, name: str, codec: str, form: str) -> None:
    path = write(tmp_path / name, sine((-10, 8), (QUIET, 2), (-30, 10), (QUIET, 3), (-10, 8)), RATE, codec, form)
    found = measure_loudness(str(path), 9.0, 12.5)
    assert found.integrated_lufs == pytest.approx(-30.0, abs=0.7)
    assert found.silence_start_seconds == pytest.approx(1.0, abs=0.03)
    assert found.silence_end_seconds == pytest.approx(1.5, abs=0.06)
    last = measure_loudness(str(path), 20.5)
    assert last.integrated_lufs == pytest.approx(-10.0, abs=0.7)
    assert last.silence_start_seconds == pytest.approx(2.5, abs=0.06)


@pytest.mark.parametrize(("samples", "silence"), [(sine((QUIET, 2)), 2.0), (sine((-20, 0.2)), 0.0)])
def test_silence_and_clicks_have_no_loudness(tmp_path: Path, samples: Samples, silence: float) -> None:
    found = measure_loudness(str(write(tmp_path / "a.flac", samples, RATE, "flac")))
    assert found.integrated_lufs is None
    assert (found.silence_start_seconds, found.silence_end_seconds) == (pytest.approx(silence, abs=2e-3), 0.0)


def test_samples_that_are_no_numbers_have_no_loudness_and_no_peak_of_their_own(tmp_path: Path) -> None:
    samples = sine((-20, 3))
    samples[:, 1000:1100] = np.nan
    samples[:, 50_000:50_100] = np.inf  # not in the same piece
    found = measure_loudness(str(write(tmp_path / "a.wav", samples, RATE, "pcm_f32le", "flt")))
    assert found.integrated_lufs is None
    assert found.sample_peak == pytest.approx(0.1, abs=1e-3)


def test_a_damaged_file_is_measured_around_the_damage(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp3", sine((-23, 20)), RATE, "libmp3lame", "flt")
    content = bytearray(path.read_bytes())
    middle, count = len(content) // 2, len(content) // 50
    content[middle : middle + count] = np.random.default_rng(1).bytes(count)
    path.write_bytes(content)
    assert measure_loudness(str(path)).integrated_lufs == pytest.approx(-23.0, abs=1.0)


def test_what_cannot_be_measured_has_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnavailableAudioError, match="cannot be read"):
        measure_loudness(str(tmp_path / "gone.flac"))
    (tmp_path / "text.flac").write_text("not music")
    with pytest.raises(UndecodableAudioError):
        measure_loudness(str(tmp_path / "text.flac"))
    path = write(tmp_path / "a.flac", sine((-23, 2)), RATE, "flac")
    with pytest.raises(UndecodableAudioError, match="ends before"):
        measure_loudness(str(path), 30.0)
    monkeypatch.setattr(measuring, "MAX_MEASURED_SECONDS", 1.0)
    with pytest.raises(UndecodableAudioError, match="longer than"):
        measure_loudness(str(path))
