"""The properties of the sound that each format states."""

from collections.abc import Callable
from pathlib import Path

import pytest

from soniquebay.audio.decode import decode_segments
from soniquebay.audio.reading.raw import Sound
from soniquebay.audio.reading.read import read_file
from tests.support import rare_audio
from tests.support.rare_audio import piped, sine, tone_bytes

SECONDS = 3.0
# Format, codec, sample rate in Hz, channels, bit depth.
Expected = tuple[str, str, int, int, int | None]
FILES: dict[str, tuple[Callable[[], bytes], Expected]] = {
    "x.mp3": (lambda: tone_bytes(".mp3"), ("MP3", "MP3", 48000, 2, None)),
    "x.mp2": (lambda: tone_bytes(".mp2"), ("MP2", "MP2", 48000, 2, None)),
    "x.flac": (lambda: tone_bytes(".flac"), ("FLAC", "FLAC", 48000, 2, 16)),
    "x.ogg": (lambda: tone_bytes(".ogg"), ("Ogg Vorbis", "Vorbis", 48000, 2, None)),
    "x.opus": (lambda: tone_bytes(".opus"), ("Opus", "Opus", 48000, 2, None)),
    "x.oga": (lambda: piped(sine(SECONDS), "flac", "ogg"), ("Ogg FLAC", "FLAC", 44100, 2, 16)),
    "x.spx": (lambda: rare_audio.speex(SECONDS), ("Speex", "Speex", 32000, 1, None)),
    "x.m4a": (lambda: tone_bytes(".m4a"), ("M4A", "AAC", 48000, 2, None)),
    "alac.m4a": (lambda: piped(sine(SECONDS), "alac", "ipod", to_file=True), ("M4A", "ALAC", 44100, 2, 24)),
    "x.aac": (lambda: tone_bytes(".aac"), ("AAC", "AAC", 48000, 2, None)),
    "x.wav": (lambda: tone_bytes(".wav"), ("WAV", "PCM", 48000, 2, 16)),
    "float.wav": (lambda: piped(sine(SECONDS), "pcm_f32le", "wav", to_file=True), ("WAV", "PCM", 44100, 2, 32)),
    "mulaw.wav": (lambda: piped(sine(SECONDS), "pcm_mulaw", "wav", to_file=True), ("WAV", "µ-law", 44100, 2, None)),
    "x.aiff": (lambda: tone_bytes(".aiff"), ("AIFF", "PCM", 48000, 2, 16)),
    "x.wv": (lambda: tone_bytes(".wv"), ("WavPack", "WavPack", 48000, 2, 16)),
    "x.tta": (lambda: tone_bytes(".tta"), ("TTA", "TTA", 48000, 2, 16)),
    "x.ape": (rare_audio.monkeys_audio, ("Monkey's Audio", "Monkey's Audio", 44100, 2, 16)),
    "x.mpc": (rare_audio.musepack, ("Musepack", "Musepack", 44100, 2, None)),
    "x.wma": (lambda: tone_bytes(".wma"), ("WMA", "WMA", 48000, 2, None)),
    "x.ac3": (lambda: tone_bytes(".ac3"), ("AC-3", "AC-3", 48000, 2, None)),
    "x.eac3": (lambda: piped(sine(SECONDS), "eac3", "eac3"), ("E-AC-3", "E-AC-3", 44100, 2, None)),
    "x.dsf": (rare_audio.dsf, ("DSF", "DSD", 2822400, 2, 1)),
    "x.dff": (rare_audio.dsdiff, ("DSDIFF", "DSD", 2822400, 2, 1)),
    "x.mka": (lambda: tone_bytes(".mka"), ("Matroska", "FLAC", 48000, 2, 16)),
    "x.weba": (lambda: piped(sine(SECONDS), "vorbis", "webm", to_file=True), ("WebM", "Vorbis", 44100, 2, None)),
}


def sound_of(path: Path, data: bytes) -> Sound:
    path.write_bytes(data)
    return read_file(str(path)).sound


@pytest.mark.parametrize("name", list(FILES))
def test_the_properties_of_the_sound_are_those_of_the_file(tmp_path: Path, name: str) -> None:
    make, expected = FILES[name]
    data = make()
    sound = sound_of(tmp_path / name, data)
    assert (sound.format, sound.codec, sound.sample_rate, sound.channels, sound.bit_depth) == expected
    if name not in {"x.ape", "x.mpc", "x.spx", "alac.m4a", "x.ogg", "x.opus"}:  # these are hardly more than headers
        assert sound.bit_rate == pytest.approx(8 * len(data) / sound.duration, rel=0.4)


@pytest.mark.parametrize("name", [name for name in FILES if name not in {"x.ape", "x.mpc"}])
def test_the_analysis_decodes_the_same_length(tmp_path: Path, name: str) -> None:
    sound = sound_of(tmp_path / name, FILES[name][0]())
    decoded = sum(samples.shape[1] for samples in decode_segments(str(tmp_path / name))) / 44100
    assert sound.duration == pytest.approx(decoded, abs=0.1)
