"""The length of a file whose header does not tell it, or tells it wrongly, beside what is decoded of it."""

import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mutagen.apev2 import APEv2
from mutagen.id3 import ID3, TIT2
from mutagen.mp3 import MP3

from soniquebay.audio.decode import SAMPLE_RATE_HZ, decode_segments
from soniquebay.audio.reading.errors import UnreadableAudioError
from soniquebay.audio.reading.read import read_file
from tests.support.rare_audio import (
    mp3_of_constant_rate,
    mp3_without_header,
    piped,
    quiet_then_noise,
    sine,
    speex,
    tone_bytes,
)

SECONDS = 3.0
FRAGMENTED = "+frag_keyframe+empty_moov"
DASH = "+frag_keyframe+empty_moov+default_base_moof+dash"
FRAGMENTS = {"frag_duration": "500000"}


def decoded_seconds(file: Path) -> float:
    return sum(samples.shape[1] for samples in decode_segments(str(file))) / SAMPLE_RATE_HZ


def without_duration(matroska: bytes) -> bytes:
    """Return the file with a void element in place of its duration, as a recorder leaves it."""
    at = matroska.index(b"\x44\x89\x88")
    return matroska[:at] + b"\xec\x89" + bytes(9) + matroska[at + 11 :]


def cut(data: bytes) -> bytes:
    return data[: -len(data) // 3]


def joined(data: bytes) -> bytes:
    return data + data


def rf64() -> bytes:
    """Return a WAV file over whose 32-bit sizes the 64-bit ones of a ds64 chunk stand."""
    wav = piped(sine(SECONDS), "pcm_s16le", "wav", {"fflags": "+bitexact"})
    start = wav.index(b"data") + 8
    sizes = struct.pack("<QQQI", len(wav) + 28, len(wav) - start, 0, 0)
    return b"RF64\xff\xff\xff\xffWAVEds64" + struct.pack("<I", len(sizes)) + sizes + wav[12:]


FILES: dict[str, Callable[[], bytes]] = {
    "piped.flac": lambda: piped(sine(SECONDS), "flac", "flac"),
    "piped.wav": lambda: piped(sine(SECONDS), "pcm_s16le", "wav"),
    "piped float.wav": lambda: piped(sine(SECONDS), "pcm_f32le", "wav"),
    "rf64.wav": rf64,
    "wave64.w64": lambda: piped(sine(SECONDS), "pcm_s16le", "w64", to_file=True),
    "cut.wav": lambda: cut(tone_bytes(".wav", SECONDS)),
    "dash.m4a": lambda: piped(sine(SECONDS), "aac", "mp4", {"movflags": DASH, **FRAGMENTS}),
    "fragmented.m4a": lambda: piped(sine(SECONDS), "aac", "mp4", {"movflags": FRAGMENTED, **FRAGMENTS}),
    "first part in the header.m4a": lambda: piped(
        sine(SECONDS), "aac", "mp4", {"movflags": "+frag_keyframe", **FRAGMENTS}
    ),
    "variable.mp3": mp3_without_header,
    "constant.mp3": mp3_of_constant_rate,
    "cut with header.mp3": lambda: cut(tone_bytes(".mp3", SECONDS)),
    "joined.mp3": lambda: joined(tone_bytes(".mp3", SECONDS)),
    "layer 2.mp2": lambda: tone_bytes(".mp2", SECONDS),
    "adts.aac": lambda: piped(quiet_then_noise(2.0, SECONDS), "aac", "adts"),
    "cut.ogg": lambda: tone_bytes(".ogg", SECONDS)[:-200],
    "cut.opus": lambda: cut(tone_bytes(".opus", SECONDS)),
    "chained.ogg": lambda: tone_bytes(".ogg", SECONDS) + tone_bytes(".ogg", 1.0),
    "chained.opus": lambda: tone_bytes(".opus", SECONDS) + tone_bytes(".opus", 1.0),
    "live.mka": lambda: piped(sine(SECONDS), "flac", "matroska"),
    "recorded.mka": lambda: without_duration(tone_bytes(".mka", SECONDS)),
    "adpcm.wav": lambda: piped(sine(SECONDS), "adpcm_ms", "wav"),
    "speex.spx": lambda: speex(SECONDS),
}


@pytest.mark.parametrize("name", list(FILES))
def test_the_length_is_that_of_the_decoded_sound(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_bytes(FILES[name]())
    assert read_file(str(file)).sound.duration == pytest.approx(decoded_seconds(file), abs=0.1)


def test_mutagen_alone_is_wrong_about_a_variable_bit_rate_without_a_header() -> None:
    """Show that the file above needs the measuring."""
    audio: Any = MP3(io.BytesIO(mp3_without_header()))
    assert audio.info.length > 20


@pytest.mark.parametrize("make", [mp3_without_header, mp3_of_constant_rate])
def test_tags_around_an_mp3_are_no_part_of_its_length(tmp_path: Path, make: Callable[[], bytes]) -> None:
    file = tmp_path / "x.mp3"
    file.write_bytes(make())
    plain = read_file(str(file)).sound
    ape = APEv2()
    ape["Comment"] = "x" * 50_000
    ape.save(file)
    tag = ID3()
    tag.add(TIT2(encoding=3, text="y" * 50_000))
    tag.save(file, v1=2)
    tagged = read_file(str(file)).sound
    assert tagged.duration == pytest.approx(plain.duration, abs=0.001)
    assert tagged.bit_rate == pytest.approx(plain.bit_rate, rel=0.001)


def test_the_bit_rate_is_measured_with_the_length(tmp_path: Path) -> None:
    file = tmp_path / "x.mp3"
    file.write_bytes(mp3_without_header())
    sound = read_file(str(file)).sound
    assert sound.bit_rate == pytest.approx(8 * file.stat().st_size / sound.duration, rel=0.01)


def test_an_index_tells_the_length_where_the_fragments_are_elsewhere(tmp_path: Path) -> None:
    data = piped(sine(SECONDS), "aac", "mp4", {"movflags": DASH, **FRAGMENTS})
    header = data[: data.index(b"moof") - 4]
    index = struct.pack(">IIIIIHH", 0, 1, 44100, 0, 0, 0, 2) + struct.pack(">III", 1, 66150, 0) * 2
    file = tmp_path / "x.m4a"
    file.write_bytes(header[: header.index(b"sidx") - 4] if b"sidx" in header else header)
    with file.open("ab") as more:
        more.write(struct.pack(">I4s", 8 + len(index), b"sidx") + index)
    assert read_file(str(file)).sound.duration == pytest.approx(SECONDS)


def test_what_only_looks_like_a_frame_of_flac_is_none(tmp_path: Path) -> None:
    data = piped(sine(SECONDS), "flac", "flac")
    header = bytearray(data[data.rindex(b"\xff\xf8") :][:16])
    header[4] += 5  # a later frame, whose checksum is wrong
    file = tmp_path / "x.flac"
    file.write_bytes(data + header)
    assert read_file(str(file)).sound.duration == pytest.approx(SECONDS)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".m4a"])
def test_a_file_without_sound_still_contains_no_audio(tmp_path: Path, suffix: str) -> None:
    whole = {
        ".wav": lambda: piped(sine(1), "pcm_s16le", "wav"),
        ".flac": lambda: piped(sine(1), "flac", "flac"),
        ".m4a": lambda: piped(sine(1), "aac", "mp4", {"movflags": FRAGMENTED}),
    }
    data = whole[suffix]()
    ends = {".wav": data.find(b"data") + 8, ".flac": data.find(b"\xff\xf8"), ".m4a": data.find(b"moof") - 4}
    assert ends[suffix] > 10
    file = tmp_path / f"x{suffix}"
    file.write_bytes(data[: ends[suffix]])
    with pytest.raises(UnreadableAudioError, match="contains no audio"):
        read_file(str(file))


def test_a_sound_of_no_bytes_before_another_chunk_is_none(tmp_path: Path) -> None:
    wav = tone_bytes(".wav")
    head = wav[: wav.index(b"data")]
    file = tmp_path / "x.wav"
    file.write_bytes(head + b"data\0\0\0\0" + b"LIST" + struct.pack("<I", 4000) + b"INFO" + bytes(3996))
    with pytest.raises(UnreadableAudioError, match="contains no audio"):
        read_file(str(file))
