"""Damaged files and the quick readers: no exception, and no answer other than mutagen's."""

import random
from collections import Counter
from pathlib import Path

import pytest

from tests.support.plain_files import (
    MPEG_FRAME,
    data_box,
    encoded,
    flac_picture,
    flac_with,
    id3_frame,
    id3_tag,
    id3_text,
    id3v1,
    mp4_with,
    mpeg,
    vbri_frame,
    vorbis_comments,
    xing_frame,
)
from tests.support.readers import outcome

SEED = 6
CHANGES = 150  # of each file
COMMENTS = vorbis_comments([b"TITLE=A", "ARTIST=Ä".encode(), b"ALBUM=B", b"DATE=2004"])
MP4_TAGS = [
    (b"\xa9nam", data_box(b"A")),
    (b"trkn", data_box(b"\0\0\0\1\0\2\0\0", 0)),
    (b"cpil", data_box(b"\1", 21)),
    (b"covr", data_box(bytes(300), 13)),
    (b"tmpo", data_box(b"\0\x80", 21)),
]


def _id3(version: int) -> bytes:
    frames = [
        id3_frame("TIT2", id3_text(["A", "B"], 1), version),
        id3_frame("TPE1", id3_text(["Ä"], 3 if version == 4 else 0), version),
        id3_frame("TXXX", id3_text(["Key", "value"], 0), version),
        id3_frame("COMM", b"\0eng\0text", version),
        id3_frame("POPM", b"a\0\xff\0\0\0\1", version),
        id3_frame("UFID", b"http://musicbrainz.org\0abc", version),
        id3_frame("APIC", b"\0image/png\0\3\0" + bytes(200), version),
        id3_frame("TDRC", id3_text(["2004"], 0), version),
    ]
    return id3_tag(frames, version, 100)


def _files() -> dict[str, bytes]:
    size = 51 * 417
    return {
        "id3v2.3.mp3": _id3(3) + mpeg(50, xing_frame(50, size)) + id3v1(),
        "id3v2.4.mp3": _id3(4) + mpeg(50, vbri_frame(50, size)),
        "constant.mp3": mpeg(60),
        "x.flac": flac_with(encoded("flac", "flac"), [(6, flac_picture(100)), (4, COMMENTS), (1, bytes(50))]),
        "x.ogg": encoded("ogg", "vorbis"),
        "x.opus": encoded("opus", "libopus", 48000),
        "x.m4a": mp4_with(encoded("m4a", "aac"), MP4_TAGS),
        "alac.m4a": mp4_with(encoded("m4a", "alac", seconds=0.05), MP4_TAGS),
    }


FILES = _files()


def _headers(name: str) -> tuple[int, int]:
    """Return from where to where the headers of a file reach: changes of samples hardly ever matter."""
    data = FILES[name]
    if name.endswith("m4a"):
        return data.rindex(b"moov") - 4, len(data)
    return 0, data.index(MPEG_FRAME) + 200 if name.endswith("mp3") else 500


@pytest.mark.parametrize("name", FILES)
def test_truncated_files(tmp_path: Path, name: str) -> None:
    data, file = FILES[name], tmp_path / name
    file.write_bytes(data)
    assert outcome(file) == "same"
    outcomes: Counter[str] = Counter()
    start, end = _headers(name)
    for size in [*range(40), *range(start, end, 7), *range(end, len(data), 997), len(data) - 1]:
        file.write_bytes(data[:size])
        outcomes[outcome(file)] += 1
    assert outcomes["left"] > 50, outcomes


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("name", FILES)
def test_files_with_changed_bytes(tmp_path: Path, name: str, count: int) -> None:
    chance = random.Random(f"{SEED} {name} {count}")  # noqa: S311 - the same in each run
    data, file = FILES[name], tmp_path / name
    start, end = _headers(name)
    outcomes: Counter[str] = Counter()
    for _ in range(CHANGES):
        changed = bytearray(data)
        for _ in range(count):
            changed[chance.randrange(start, end)] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
        file.write_bytes(changed)
        outcomes[outcome(file)] += 1
    assert outcomes["left"], outcomes
    assert outcomes["same"] > CHANGES / 20, outcomes


@pytest.mark.parametrize("name", FILES)
def test_files_with_something_inserted_or_taken_out(tmp_path: Path, name: str) -> None:
    chance = random.Random(f"{SEED} {name}")  # noqa: S311 - the same in each run
    data, file = FILES[name], tmp_path / name
    start, end = _headers(name)
    for _ in range(CHANGES // 2):
        at, size = chance.randrange(start, end), chance.randrange(1, 9)
        is_inserted = chance.random() < 0.5
        file.write_bytes(data[:at] + (chance.randbytes(size) + data[at:] if is_inserted else data[at + size :]))
        outcome(file)
