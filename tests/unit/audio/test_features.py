"""Samples, vectors, tempo and key: of real files in every format, and of synthetic music."""

import math
import struct
import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import orjson
import pytest
from mutagen.apev2 import APEv2
from numpy.typing import NDArray

from soniquebay.audio.analysis import analyse
from soniquebay.audio.decode import (
    SAMPLE_RATE_HZ,
    SEGMENT_COUNT,
    SEGMENT_SECONDS,
    UndecodableAudioError,
    decode_segments,
)
from soniquebay.audio.feature_schema import LEARNED_VALUES, MUSICAL_KEYS, PITCH_CLASSES, VECTOR_SIZE
from soniquebay.audio.features import feature_vector
from soniquebay.audio.musical_key import estimate_key
from soniquebay.audio.spectra import compute_spectra
from soniquebay.audio.tempo import estimate_tempo
from tests.support.audio_files import CODECS, tone

Signal = NDArray[np.float64]
LEARNED = np.zeros(LEARNED_VALUES, np.float32)


def to_stereo(signal: Signal) -> NDArray[np.float32]:
    return np.tile(signal.astype(np.float32), (2, 1))


def write_sine(path: Path, rate: int, channels: int, seconds: float = 3.0) -> Path:
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
def test_every_format_decodes_to_the_same_tone(tmp_path: Path, suffix: str) -> None:
    (samples,) = decode_segments(str(tone(tmp_path / f"x{suffix}", seconds=3)))
    assert samples.shape[0] == 2
    assert samples.shape[1] / SAMPLE_RATE_HZ == pytest.approx(3.0, abs=0.15)
    spectrum = np.abs(np.fft.rfft(samples[0]))
    assert np.argmax(spectrum) * SAMPLE_RATE_HZ / samples.shape[1] == pytest.approx(440, abs=2)


@pytest.mark.parametrize("seconds", [8.0, 40.0])
@pytest.mark.parametrize("suffix", [".flac", ".mp3"])
def test_only_the_range_of_a_part_is_decoded(tmp_path: Path, suffix: str, seconds: float) -> None:
    def loudness(start: float, length: float | None) -> float:
        return max(float(np.abs(segment).max()) for segment in decode_segments(path, start, length))

    # Two thirds of the file are a tone, the rest is silence.
    path = str(tone(tmp_path / f"x{suffix}", seconds=3 * seconds, silent_from=2 * seconds))
    assert loudness(0.0, None) > 0.3
    assert loudness(seconds, seconds - 0.2) > 0.3
    assert loudness(2 * seconds + 0.2, None) < 0.01
    assert loudness(2 * seconds + 0.2, seconds / 2) < 0.01
    samples = sum(segment.shape[1] for segment in decode_segments(path, seconds, seconds / 2))
    assert samples / SAMPLE_RATE_HZ == pytest.approx(seconds / 2, abs=0.1)


@pytest.mark.parametrize("suffix", [".ac3", ".aac", ".mp3", ".wv"])
def test_a_tag_behind_the_sound_is_no_sound(tmp_path: Path, suffix: str) -> None:
    plain, tagged = (tone(tmp_path / f"{name}{suffix}") for name in ("plain", "tagged"))
    tag = APEv2()
    tag["Comment"] = "x" * 5000
    tag.save(tagged)
    (expected,), (samples,) = decode_segments(str(plain)), decode_segments(str(tagged))
    assert samples.shape[1] == pytest.approx(expected.shape[1], rel=0.02)  # the frame before it may go


def test_a_list_of_files_is_not_followed(tmp_path: Path) -> None:
    """FFmpeg knows playlists, which name other files of the machine."""
    tone(tmp_path / "x.wav")
    playlist = tmp_path / "x.mp3"
    playlist.write_text("ffconcat version 1.0\nfile 'x.wav'\n")
    with pytest.raises(UndecodableAudioError):
        decode_segments(str(playlist))


@pytest.mark.parametrize("suffix", [".ogg", ".mp3", ".aac", ".flac", ".m4a"])
def test_a_long_file_is_decoded_in_segments(tmp_path: Path, suffix: str) -> None:
    segments = decode_segments(str(tone(tmp_path / f"x{suffix}", seconds=90)))
    assert [s.shape for s in segments] == [(2, int(SEGMENT_SECONDS * SAMPLE_RATE_HZ))] * SEGMENT_COUNT


def test_segments_are_spread_evenly_over_the_file(tmp_path: Path) -> None:
    """The pitch of a sweep shows where each segment was taken."""
    seconds = 120
    t = np.arange(seconds * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    file = tmp_path / "sweep.flac"
    with av.open(str(file), "w") as output:
        stream = output.add_stream("flac", rate=SAMPLE_RATE_HZ, layout="mono")
        phase = 2 * np.pi * (200 * t + 5 * t * t)  # 200 Hz at the start, 10 Hz more each second
        samples = (np.sin(phase) * 9000).astype(np.int16)
        for start in range(0, samples.size, 4096):
            frame = av.AudioFrame.from_ndarray(samples[None, start : start + 4096], format="s16", layout="mono")
            frame.rate, frame.pts, frame.time_base = SAMPLE_RATE_HZ, start, Fraction(1, SAMPLE_RATE_HZ)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    for i, segment in enumerate(decode_segments(str(file))):
        begin = segment[0, : SAMPLE_RATE_HZ // 2]
        pitch = np.argmax(np.abs(np.fft.rfft(begin))) * SAMPLE_RATE_HZ / begin.size
        expected = seconds * (i + 0.5) / SEGMENT_COUNT - SEGMENT_SECONDS / 2
        assert (pitch - 200) / 10 == pytest.approx(expected, abs=1.0)


@pytest.mark.parametrize(
    "content", [b"OggS" + b"\0" * 500, b"", b"RIFF\xff\xff\xff\xffWAVEfmt ", b"fLaC" + b"\xff" * 99]
)
def test_a_file_without_audio_data_cannot_be_decoded(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "x.ogg"
    file.write_bytes(content)
    with pytest.raises(UndecodableAudioError, match=r"\w"):
        decode_segments(str(file))


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (96000, 2), (48000, 6), (44100, 8)])
def test_every_sample_rate_and_channel_count_gives_a_vector(tmp_path: Path, rate: int, channels: int) -> None:
    analysis = analyse(str(write_sine(tmp_path / "x.wav", rate, channels)))
    assert np.isfinite(analysis.vector).all()
    (samples,) = decode_segments(str(tmp_path / "x.wav"))
    assert samples.shape == (2, pytest.approx(3 * SAMPLE_RATE_HZ, abs=SAMPLE_RATE_HZ // 10))


@pytest.mark.parametrize("stated_seconds", [1, 36_000])
def test_a_file_with_a_wrong_duration_in_its_header_is_decoded(tmp_path: Path, stated_seconds: int) -> None:
    """The FLAC header states one second, or ten hours, for a file of 90 seconds."""
    file = tone(tmp_path / "x.flac", seconds=90)
    data = bytearray(file.read_bytes())
    # In STREAMINFO: sample rate, channels and bit depth, then the number of samples in 36 bits.
    (word,) = struct.unpack_from(">Q", data, 18)
    struct.pack_into(">Q", data, 18, word >> 36 << 36 | stated_seconds * 48000)
    file.write_bytes(data)
    segments = decode_segments(str(file))
    assert sum(s.shape[1] for s in segments) > 30 * SAMPLE_RATE_HZ


def test_a_damaged_file_still_gives_a_vector(tmp_path: Path) -> None:
    file = tone(tmp_path / "x.mp3", seconds=90)
    data = bytearray(file.read_bytes())
    rng = np.random.default_rng(0)
    for offset in range(5000, len(data) - 3000, 20000):
        data[offset : offset + 2000] = rng.bytes(2000)
    file.write_bytes(data[: len(data) * 2 // 3])  # and its end is cut off
    analysis = analyse(str(file))
    assert np.isfinite(analysis.vector).all()


def test_samples_that_are_not_finite_are_replaced(tmp_path: Path) -> None:
    samples = np.zeros(2 * SAMPLE_RATE_HZ, "<f4")
    samples[100:200], samples[300:400], samples[500:600] = np.nan, np.inf, 1e30
    header = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + samples.nbytes, b"WAVE", b"fmt ", 16, 3, 1,
                         SAMPLE_RATE_HZ, SAMPLE_RATE_HZ * 4, 4, 32, b"data", samples.nbytes)  # fmt: skip
    file = tmp_path / "x.wav"
    file.write_bytes(header + samples.tobytes())
    (decoded,) = decode_segments(str(file))
    assert np.isfinite(decoded).all()
    assert np.abs(decoded).max() <= 8
    assert np.isfinite(analyse(str(file)).vector).all()


# --- the vector -----------------------------------------------------------------------------------------------------


def test_vectors_do_not_depend_on_tags_or_format(tmp_path: Path) -> None:
    low = analyse(str(tone(tmp_path / "low.flac", frequency=200, title="A", artist="B"))).vector
    same = analyse(str(tone(tmp_path / "z.wav", frequency=200, title="Other"))).vector
    high = analyse(str(tone(tmp_path / "high.flac", frequency=900))).vector
    assert low.shape == (VECTOR_SIZE,)
    np.testing.assert_array_equal(low, same)
    assert np.linalg.norm(low - high) > 1


@pytest.mark.parametrize("size", [1, 100, 3000, 4410, 44100, 200_000])
@pytest.mark.parametrize("level", [0.0, 1.0, 1e-6])
def test_vectors_of_silence_snippets_and_constants_are_finite(size: int, level: float) -> None:
    segment = compute_spectra(np.full((2, size), level, np.float32))
    assert np.isfinite(feature_vector([segment], LEARNED)).all()
    assert estimate_tempo([segment.mel_power]) is None


def test_the_vector_of_a_track_with_a_silent_segment_is_finite() -> None:
    noise = np.random.default_rng(0).normal(size=(2, SAMPLE_RATE_HZ)).astype(np.float32)
    silence = np.zeros((2, SAMPLE_RATE_HZ), np.float32)
    assert np.isfinite(feature_vector([compute_spectra(silence), compute_spectra(noise)], LEARNED)).all()


def test_mono_and_stereo_versions_of_a_signal_differ() -> None:
    rng = np.random.default_rng(0)
    wide = rng.normal(size=(2, 3 * SAMPLE_RATE_HZ)).astype(np.float32) * 0.1
    narrow = np.tile(wide.mean(axis=0), (2, 1))
    vectors = [feature_vector([compute_spectra(samples)], LEARNED) for samples in (wide, narrow)]
    assert np.abs(vectors[0] - vectors[1]).max() > 0.3


# --- tempo ----------------------------------------------------------------------------------------------------------


def clicks(bpm: float, seconds: float = SEGMENT_SECONDS, start: float = 0.13) -> Signal:
    signal = np.random.default_rng(1).normal(size=int(seconds * SAMPLE_RATE_HZ)) * 0.001
    burst = np.exp(-np.arange(2000) / 300) * np.sin(2 * np.pi * 1500 * np.arange(2000) / SAMPLE_RATE_HZ)
    for beat in np.arange(start, seconds - 0.05, 60 / bpm):
        offset = int(beat * SAMPLE_RATE_HZ)
        signal[offset : offset + 2000] += burst[: signal.size - offset]
    return signal


@pytest.mark.parametrize("bpm", [55, 64, 72, 85, 97, 110, 120, 128, 140, 155, 174, 190])
def test_the_tempo_of_a_click_track_is_estimated_to_one_percent(bpm: float) -> None:
    segments = [compute_spectra(to_stereo(clicks(bpm, start=0.1 + i * 0.07))).mel_power for i in range(SEGMENT_COUNT)]
    tempo = estimate_tempo(segments)
    assert tempo is not None
    assert tempo.bpm == pytest.approx(bpm, rel=0.01)
    assert tempo.confidence > 0.7


def drums(bpm: float) -> Signal:
    """Return 10 s with a bass drum on beats one and three, a snare on two and four, and a hi-hat on eighth notes."""
    rng = np.random.default_rng(2)
    signal = np.zeros(10 * SAMPLE_RATE_HZ + SAMPLE_RATE_HZ)
    t = np.arange(SAMPLE_RATE_HZ // 4) / SAMPLE_RATE_HZ
    kick = np.exp(-t * 18) * np.sin(2 * np.pi * 60 * t)
    snare = np.exp(-t * 22) * rng.normal(size=t.size) * 0.5
    hat = np.exp(-t * 90) * rng.normal(size=t.size) * 0.15
    eighth = 30 / bpm
    for i in range(int(10 / eighth)):
        offset = int(i * eighth * SAMPLE_RATE_HZ)
        for sound, played in ((kick, i % 4 == 0), (snare, i % 4 == 2), (hat, True)):
            if played:
                signal[offset : offset + t.size] += sound
    return signal[: 10 * SAMPLE_RATE_HZ]


@pytest.mark.parametrize("bpm", [80, 92, 105, 120, 135])
def test_the_tempo_of_a_drum_beat_is_not_off_by_an_octave(bpm: float) -> None:
    tempo = estimate_tempo([compute_spectra(to_stereo(drums(bpm))).mel_power])
    assert tempo is not None
    assert tempo.bpm == pytest.approx(bpm, rel=0.01)


def test_a_tempo_can_be_sent_to_the_api() -> None:
    """JSON has no numbers of numpy."""
    tempo = estimate_tempo([compute_spectra(to_stereo(drums(120))).mel_power])
    assert tempo is not None
    assert orjson.loads(orjson.dumps(tempo._asdict())) == tempo._asdict()


def test_the_confidence_of_a_tempo_falls_with_what_hides_the_beat() -> None:
    found = []
    for noise in (0.0, 0.5, 2.0):
        signal = drums(120) + np.random.default_rng(5).normal(size=10 * SAMPLE_RATE_HZ) * noise
        tempo = estimate_tempo([compute_spectra(to_stereo(signal)).mel_power])
        found.append(tempo.confidence if tempo else 0.0)
    assert 1 >= found[0] > found[1] > found[2] >= 0
    assert found[0] > 0.7
    assert found[2] < 0.4


def test_noise_has_no_tempo() -> None:
    rng = np.random.default_rng(3)
    segments = [rng.normal(size=(2, 10 * SAMPLE_RATE_HZ)).astype(np.float32) * 0.1 for _ in range(3)]
    assert estimate_tempo([compute_spectra(segment).mel_power for segment in segments]) is None


# --- key ------------------------------------------------------------------------------------------------------------


def chord(semitones: tuple[int, ...], seconds: float = 0.6) -> Signal:
    t = np.arange(int(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    tones = [
        np.sin(2 * np.pi * 261.6256 * 2 ** (s / 12) * harmonic * t) / harmonic**1.5
        for s in semitones
        for harmonic in (1, 2, 3, 4, 5)
    ]
    return np.sum(tones, axis=0) * np.exp(-2 * t) * 0.1


def progression(tonic: int, minor: bool) -> Signal:
    """Return the chords I IV V I three times, or in minor i iv V i."""
    third = 3 if minor else 4
    triads = ((0, third, 7), (5, 5 + third, 12), (7, 11, 14), (0, third, 7))
    return np.concatenate([chord(tuple(tonic - 12 + s for s in triad)) for triad in triads * 3])


@pytest.mark.parametrize("tonic", range(12))
@pytest.mark.parametrize("minor", [False, True])
def test_the_key_of_a_chord_progression_is_estimated(tonic: int, minor: bool) -> None:
    key = estimate_key([compute_spectra(to_stereo(progression(tonic, minor))).chroma])
    assert key == f"{PITCH_CLASSES[tonic]} {'minor' if minor else 'major'}"


@pytest.mark.parametrize("tonic", range(12))
def test_the_key_of_a_scale_is_estimated(tonic: int) -> None:
    notes = (0, 2, 4, 5, 7, 9, 11, 12, 11, 9, 7, 5, 4, 2, 0, 7, 4, 0)
    signal = np.concatenate([chord((tonic + s,), 0.35) for s in notes])
    assert estimate_key([compute_spectra(to_stereo(signal)).chroma]) == f"{PITCH_CLASSES[tonic]} major"


def test_noise_and_silence_have_no_key() -> None:
    rng = np.random.default_rng(4)
    noise = rng.normal(size=(2, 10 * SAMPLE_RATE_HZ)).astype(np.float32) * 0.1
    silence = np.zeros((2, 10 * SAMPLE_RATE_HZ), np.float32)
    assert estimate_key([compute_spectra(noise).chroma]) is None
    assert estimate_key([compute_spectra(silence).chroma]) is None
    assert len(set(MUSICAL_KEYS)) == 24


def test_analysis_estimates_tempo_and_key_of_a_file(tmp_path: Path) -> None:
    signal = progression(9, minor=True)  # chords 0.6 s apart
    signal = np.concatenate([signal] * math.ceil(20 * SAMPLE_RATE_HZ / signal.size))
    file = tmp_path / "x.wav"
    with wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE_HZ)
        out.writeframes((signal / np.abs(signal).max() * 20000).astype("<i2").tobytes())
    analysis = analyse(str(file))
    assert analysis.musical_key == "A minor"
    assert analysis.bpm == pytest.approx(100, rel=0.01)
