"""Damaged files of every format: an answer or a refusal, quickly, and nothing else."""

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from soniquebay.audio.reading.embedded import embedded_pictures
from soniquebay.audio.reading.errors import UnavailableFileError, UnreadableAudioError
from soniquebay.audio.reading.read import read_file
from tests.support import picard, rare_audio
from tests.support.rare_audio import mp3_without_header, piped, sine, tone_bytes

SEED = 23
CHANGED = 12  # files of each format
HEADER_BYTES = 4000
MAX_CPU_SECONDS = 0.5
FRAGMENTED = {"movflags": "+frag_keyframe+empty_moov+default_base_moof+dash", "frag_duration": "500000"}
TAGGED = (".mp3", ".flac", ".ogg", ".opus", ".m4a", ".aac", ".wav", ".aiff", ".wv", ".tta", ".wma", ".ac3")
FILES: dict[str, Callable[[], bytes]] = {
    "x.mka": lambda: tone_bytes(".mka"),
    "x.dsf": lambda: rare_audio.dsf(0.1),
    "x.dff": lambda: rare_audio.dsdiff(0.1),
    "x.ape": rare_audio.monkeys_audio,
    "x.mpc": rare_audio.musepack,
    "x.spx": rare_audio.speex,
    "fragmented.m4a": lambda: piped(sine(1), "aac", "mp4", FRAGMENTED),
    "piped.flac": lambda: piped(sine(1), "flac", "flac"),
    "piped.wav": lambda: piped(sine(1), "pcm_s16le", "wav"),
    "x.w64": lambda: piped(sine(1), "pcm_s16le", "w64", to_file=True),
    "variable.mp3": mp3_without_header,
}


def changed(data: bytes, source: random.Random) -> bytes:
    """Return the file with some bytes changed, most often in its headers, and sometimes cut."""
    damaged = bytearray(data)
    reach = min(len(data), HEADER_BYTES) if source.random() < 0.75 else len(data)
    for _ in range(2 ** source.randrange(6)):
        damaged[source.randrange(reach)] = source.choice((0, 0x7F, 0x80, 0xFF, source.randrange(256)))
    if source.random() < 0.2:
        del damaged[source.randrange(len(damaged)) :]
    return bytes(damaged)


def check(file: Path, data: bytes) -> None:
    for read in (read_file, embedded_pictures):
        file.write_bytes(data)
        began = time.thread_time()
        try:
            read(str(file))
        except UnavailableFileError:
            pytest.fail("damage is not a reason to try again")
        except UnreadableAudioError as error:
            assert str(error)
        assert time.thread_time() - began < MAX_CPU_SECONDS


@pytest.mark.parametrize("name", [*FILES, *(f"x{suffix}" for suffix in TAGGED)])
def test_damage_is_refused_or_read_past(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    if name in FILES:
        data = FILES[name]()
    else:
        file.write_bytes(tone_bytes(file.suffix))
        picard.write(file, picard.RELEASE)
        data = file.read_bytes()
    source = random.Random(f"{SEED} {name}")  # noqa: S311 - the same in each run
    for _ in range(CHANGED):
        check(file, changed(data, source))


@pytest.mark.parametrize("name", list(FILES))
def test_a_cut_file_is_refused_or_read_past(tmp_path: Path, name: str) -> None:
    data = FILES[name]()
    for end in (5, 20, 50, 90, 200, 500):
        check(tmp_path / name, data[:end])
