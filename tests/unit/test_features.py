"""Samples, vectors, tempo and key: of real files of every format, and of music made to measure."""

import math
import struct
import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from soniquebay.audio.analysis import analyse
from soniquebay.audio.decode import RATE, SEGMENT, SEGMENTS, UndecodableAudioError, decode_segments
from soniquebay.audio.feature_schema import MUSICAL_KEYS, NOTES, SIZE
from soniquebay.audio.features import features
from soniquebay.audio.musical_key import musical_key
from soniquebay.audio.spectra import spectra
from soniquebay.audio.tempo import tempo
from tests.audio_files import CODECS, tone

Signal = NDArray[np.float64]


def stereo(signal: Signal) -> NDArray[np.float32]:
    return np.tile(signal.astype(np.float32), (2, 1))


def pcm(path: Path, rate: int, channels: int, seconds: float = 3.0) -> Path:
    t = np.arange(int(seconds * rate)) / rate
    samples = (np.sin(2 * np.pi * 440 * t) * 9000).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.repeat(samples, channels).tobytes())
    return path


# --- decoding -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", list(CODECS))
def test_every_format_decodes_to_the_same_sound(tmp_path: Path, suffix: str) -> None:
    (samples,) = decode_segments(str(tone(tmp_path / f"x{suffix}", seconds=3)))
    assert samples.shape[0] == 2
    assert samples.shape[1] / RATE == pytest.approx(3.0, abs=0.15)
    spectrum = np.abs(np.fft.rfft(samples[0]))
    assert np.argmax(spectrum) * RATE / samples.shape[1] == pytest.approx(440, abs=2)


@pytest.mark.parametrize("suffix", [".ogg", ".mp3", ".aac", ".flac", ".m4a"])
def test_a_long_file_is_sampled_in_parts(tmp_path: Path, suffix: str) -> None:
    segments = decode_segments(str(tone(tmp_path / f"x{suffix}", seconds=90)))
    assert [s.shape for s in segments] == [(2, int(SEGMENT * RATE))] * SEGMENTS


def test_the_parts_are_from_where_they_should_be(tmp_path: Path) -> None:
    """A sweep tells by its pitch where a part was taken."""
    seconds = 120
    t = np.arange(seconds * RATE) / RATE
    file = tmp_path / "sweep.flac"
    with av.open(str(file), "w") as output:
        stream = output.add_stream("flac", rate=RATE, layout="mono")
        phase = 2 * np.pi * (200 * t + 5 * t * t)  # 200 Hz at the start, 10 Hz more each second
        samples = (np.sin(phase) * 9000).astype(np.int16)
        for start in range(0, samples.size, 4096):
            frame = av.AudioFrame.from_ndarray(samples[None, start : start + 4096], format="s16", layout="mono")
            frame.rate, frame.pts, frame.time_base = RATE, start, Fraction(1, RATE)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    for i, segment in enumerate(decode_segments(str(file))):
        begin = segment[0, : RATE // 2]
        pitch = np.argmax(np.abs(np.fft.rfft(begin))) * RATE / begin.size
        expected = seconds * (i + 0.5) / SEGMENTS - SEGMENT / 2
        assert (pitch - 200) / 10 == pytest.approx(expected, abs=1.0)


@pytest.mark.parametrize(
    "content", [b"OggS" + b"\0" * 500, b"", b"RIFF\xff\xff\xff\xffWAVEfmt ", b"fLaC" + b"\xff" * 99]
)
def test_a_file_without_sound_cannot_be_decoded(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "x.ogg"
    file.write_bytes(content)
    with pytest.raises(UndecodableAudioError, match=r"\w"):
        decode_segments(str(file))


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (96000, 2), (48000, 6), (44100, 8)])
def test_every_rate_and_number_of_channels_has_a_vector(tmp_path: Path, rate: int, channels: int) -> None:
    found = analyse(str(pcm(tmp_path / "x.wav", rate, channels)))
    assert np.isfinite(found.vector).all()
    (samples,) = decode_segments(str(tmp_path / "x.wav"))
    assert samples.shape == (2, pytest.approx(3 * RATE, abs=RATE // 10))


@pytest.mark.parametrize("claimed", [1, 36_000])
def test_a_wrong_length_in_the_header_costs_nothing(tmp_path: Path, claimed: int) -> None:
    """A FLAC header that says one second, or ten hours, of a file of 90 seconds."""
    file = tone(tmp_path / "x.flac", seconds=90)
    data = bytearray(file.read_bytes())
    (word,) = struct.unpack_from(">Q", data, 18)  # of STREAMINFO: rate, channels, depth, 36 bits of samples
    struct.pack_into(">Q", data, 18, word >> 36 << 36 | claimed * 48000)
    file.write_bytes(data)
    segments = decode_segments(str(file))
    assert sum(s.shape[1] for s in segments) > 30 * RATE


def test_a_damaged_file_gives_what_is_left(tmp_path: Path) -> None:
    file = tone(tmp_path / "x.mp3", seconds=90)
    data = bytearray(file.read_bytes())
    rng = np.random.default_rng(0)
    for place in range(5000, len(data) - 3000, 20000):
        data[place : place + 2000] = rng.bytes(2000)
    file.write_bytes(data[: len(data) * 2 // 3])  # and a download that broke off
    found = analyse(str(file))
    assert np.isfinite(found.vector).all()


def test_samples_that_are_no_numbers_do_not_spread(tmp_path: Path) -> None:
    samples = np.zeros(2 * RATE, "<f4")
    samples[100:200], samples[300:400], samples[500:600] = np.nan, np.inf, 1e30
    header = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + samples.nbytes, b"WAVE", b"fmt ", 16, 3, 1, RATE, RATE * 4,
                         4, 32, b"data", samples.nbytes)  # fmt: skip
    file = tmp_path / "x.wav"
    file.write_bytes(header + samples.tobytes())
    (decoded,) = decode_segments(str(file))
    assert np.isfinite(decoded).all()
    assert np.abs(decoded).max() <= 8
    assert np.isfinite(analyse(str(file)).vector).all()


# --- the vector -----------------------------------------------------------------------------------------------------


def test_vectors_depend_on_the_sound_alone(tmp_path: Path) -> None:
    low = analyse(str(tone(tmp_path / "low.flac", frequency=200, title="A", artist="B"))).vector
    same = analyse(str(tone(tmp_path / "z.wav", frequency=200, title="Other"))).vector
    high = analyse(str(tone(tmp_path / "high.flac", frequency=900))).vector
    assert low.shape == (SIZE,)
    np.testing.assert_array_equal(low, same)
    assert np.linalg.norm(low - high) > 1


@pytest.mark.parametrize("size", [1, 100, 3000, 4410, 44100, 200_000])
@pytest.mark.parametrize("level", [0.0, 1.0, 1e-6])
def test_silence_snippets_and_constants_have_finite_vectors(size: int, level: float) -> None:
    segment = spectra(np.full((2, size), level, np.float32))
    assert np.isfinite(features([segment])).all()
    assert tempo([segment.mel]) is None


def test_a_silent_part_beside_music_is_finite() -> None:
    noise = np.random.default_rng(0).normal(size=(2, RATE)).astype(np.float32)
    assert np.isfinite(features([spectra(np.zeros((2, RATE), np.float32)), spectra(noise)])).all()


def test_mono_and_stereo_of_the_same_tune_differ() -> None:
    rng = np.random.default_rng(0)
    wide = rng.normal(size=(2, 3 * RATE)).astype(np.float32) * 0.1
    narrow = np.tile(wide.mean(axis=0), (2, 1))
    assert np.abs(features([spectra(wide)]) - features([spectra(narrow)])).max() > 0.3


# --- tempo ----------------------------------------------------------------------------------------------------------


def clicks(bpm: float, seconds: float = SEGMENT, start: float = 0.13) -> Signal:
    signal = np.random.default_rng(1).normal(size=int(seconds * RATE)) * 0.001
    burst = np.exp(-np.arange(2000) / 300) * np.sin(2 * np.pi * 1500 * np.arange(2000) / RATE)
    for beat in np.arange(start, seconds - 0.05, 60 / bpm):
        place = int(beat * RATE)
        signal[place : place + 2000] += burst[: signal.size - place]
    return signal


@pytest.mark.parametrize("bpm", [55, 64, 72, 85, 97, 110, 120, 128, 140, 155, 174, 190])
def test_the_tempo_of_a_click_track_is_known_to_one_percent(bpm: float) -> None:
    mels = [spectra(stereo(clicks(bpm, start=0.1 + i * 0.07))).mel for i in range(SEGMENTS)]
    found = tempo(mels)
    assert found == pytest.approx(bpm, rel=0.01)


def drums(bpm: float) -> Signal:
    """Bass drum on one and three, snare on two and four, hi-hat on eighths."""
    rng = np.random.default_rng(2)
    signal = np.zeros(10 * RATE + RATE)
    t = np.arange(RATE // 4) / RATE
    kick = np.exp(-t * 18) * np.sin(2 * np.pi * 60 * t)
    snare = np.exp(-t * 22) * rng.normal(size=t.size) * 0.5
    hat = np.exp(-t * 90) * rng.normal(size=t.size) * 0.15
    eighth = 30 / bpm
    for i in range(int(10 / eighth)):
        place = int(i * eighth * RATE)
        for sound, played in ((kick, i % 4 == 0), (snare, i % 4 == 2), (hat, True)):
            if played:
                signal[place : place + t.size] += sound
    return signal[: 10 * RATE]


@pytest.mark.parametrize("bpm", [80, 92, 105, 120, 135])
def test_the_octave_of_a_drum_beat_is_the_one_that_people_tap(bpm: float) -> None:
    assert tempo([spectra(stereo(drums(bpm))).mel]) == pytest.approx(bpm, rel=0.01)


def test_noise_has_no_tempo() -> None:
    rng = np.random.default_rng(3)
    noise = [spectra(rng.normal(size=(2, 10 * RATE)).astype(np.float32) * 0.1).mel for _ in range(3)]
    assert tempo(noise) is None


# --- key ------------------------------------------------------------------------------------------------------------


def chord(semitones: tuple[int, ...], seconds: float = 0.6) -> Signal:
    t = np.arange(int(seconds * RATE)) / RATE
    tones = [
        np.sin(2 * np.pi * 261.6256 * 2 ** (s / 12) * harmonic * t) / harmonic**1.5
        for s in semitones
        for harmonic in (1, 2, 3, 4, 5)
    ]
    return np.sum(tones, axis=0) * np.exp(-2 * t) * 0.1


def progression(tonic: int, minor: bool) -> Signal:
    """I IV V I, or i iv V i with the raised seventh."""
    third = 3 if minor else 4
    triads = ((0, third, 7), (5, 5 + third, 12), (7, 11, 14), (0, third, 7))
    return np.concatenate([chord(tuple(tonic - 12 + s for s in triad)) for triad in triads * 3])


@pytest.mark.parametrize("tonic", range(12))
@pytest.mark.parametrize("minor", [False, True])
def test_the_key_of_a_chord_progression_is_known(tonic: int, minor: bool) -> None:
    found = musical_key([spectra(stereo(progression(tonic, minor))).chroma])
    assert found == f"{NOTES[tonic]} {'minor' if minor else 'major'}"


@pytest.mark.parametrize("tonic", range(12))
def test_the_key_of_a_scale_is_known(tonic: int) -> None:
    notes = (0, 2, 4, 5, 7, 9, 11, 12, 11, 9, 7, 5, 4, 2, 0, 7, 4, 0)
    signal = np.concatenate([chord((tonic + s,), 0.35) for s in notes])
    assert musical_key([spectra(stereo(signal)).chroma]) == f"{NOTES[tonic]} major"


def test_noise_clicks_and_silence_have_no_key() -> None:
    rng = np.random.default_rng(4)
    assert musical_key([spectra(rng.normal(size=(2, 10 * RATE)).astype(np.float32) * 0.1).chroma]) is None
    assert musical_key([spectra(np.zeros((2, 10 * RATE), np.float32)).chroma]) is None
    assert len(set(MUSICAL_KEYS)) == 24


def test_tempo_and_key_come_from_the_file(tmp_path: Path) -> None:
    signal = progression(9, minor=True)  # chords 0.6 s apart
    signal = np.concatenate([signal] * math.ceil(20 * RATE / signal.size))
    file = tmp_path / "x.wav"
    with wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes((signal / np.abs(signal).max() * 20000).astype("<i2").tobytes())
    found = analyse(str(file))
    assert found.musical_key == "A minor"
    assert found.bpm == pytest.approx(100, rel=0.01)
