"""ID3 tags by the quick reader: each plain one as mutagen reads it, and none of the others."""

import itertools
import random
import struct
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from soniquebay.audio.reading import quick
from soniquebay.audio.reading.quick import id3
from tests.support.plain_files import id3_frame, id3_tag, id3_text, id3v1, mpeg, xing_frame
from tests.support.readers import assert_same, outcome

SEED = 4
FRAMES = 20
SOUND = mpeg(FRAMES, xing_frame(FRAMES, (FRAMES + 1) * 417))
LATIN1, UTF16, UTF16_BE, UTF8 = range(4)
VERSIONS = (3, 4)
ENCODINGS = (LATIN1, UTF16, UTF16_BE, UTF8)
TEXT_FRAMES = id3.TEXT_FRAMES.split()
VALUES = ("", "A", "Ä é", "(17)", "2004-05-21", "17/20", " spaces ", "x" * 130, "two\nlines")
WIDE_VALUES = (*VALUES, "Чай", "パパ", "\U0001f469‍\U0001f3a4", "\ufeffmark", "é")


def write(folder: Path, frames: Sequence[bytes], version: int = 4, padding: int = 50, end: bytes = b"") -> Path:
    file = folder / "x.mp3"
    file.write_bytes(id3_tag(frames, version, padding) + SOUND + end)
    return file


@pytest.mark.parametrize("end", ["", "\0", "\0\0\0"])
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("version", VERSIONS)
def test_texts_in_every_frame_and_encoding(tmp_path: Path, version: int, encoding: int, end: str) -> None:
    values = VALUES if encoding == LATIN1 else WIDE_VALUES
    choices = [[value] for value in values] + [["A", "B"], ["A", ""], ["", "A"], ["A", "", "B"]]
    for shift, _ in enumerate(choices):
        texts = zip(TEXT_FRAMES, itertools.islice(itertools.cycle(choices), shift, None), strict=False)
        frames = [id3_frame(name, id3_text(text, encoding, end=end), version) for name, text in texts]
        content = assert_same(write(tmp_path, frames, version))
        assert len(content.tags) > len(TEXT_FRAMES) / 2


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("marks", [("\ufeff", "\ufeff"), ("\ufeff", "")])
def test_utf_16_has_a_mark_before_each_text_or_before_the_first(
    tmp_path: Path, version: int, marks: tuple[str, str]
) -> None:
    data = b"\1" + (marks[0] + "Ä\0" + marks[1] + "Ö").encode("utf-16-le")
    assert assert_same(write(tmp_path, [id3_frame("TPE1", data, version)], version)).tags == {"TPE1": ["Ä", "Ö"]}


def test_utf_16_in_the_other_byte_order(tmp_path: Path) -> None:
    data = b"\1" + "\ufeffÄ\0\ufeffÖ".encode("utf-16-be")
    assert assert_same(write(tmp_path, [id3_frame("TPE1", data, 4)])).tags == {"TPE1": ["Ä", "Ö"]}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("version", VERSIONS)
def test_frames_that_are_more_than_a_text(tmp_path: Path, version: int, encoding: int) -> None:
    def text(*parts: str, language: bytes = b"") -> bytes:
        data = id3_text(parts, encoding)
        return data[:1] + language + data[1:]

    frames = [
        id3_frame("TXXX", text("Key", "value"), version),
        id3_frame("TXXX", text("Kéy", "välue"), version),
        id3_frame("TXXX", text("", "no key"), version),
        id3_frame("TXXX", text("several", "a", "b", ""), version),
        id3_frame("TXXX", text("nothing"), version),
        id3_frame("TXXX", text("empty", ""), version),
        id3_frame("COMM", text("", "comment", language=b"eng"), version),
        id3_frame("COMM", text("", "Kömmentar", language=b"deu"), version),
        id3_frame("COMM", text("iTunNORM", " 0000", language=b"eng"), version),
        id3_frame("USLT", text("", "la\nlà", language=b"eng"), version),
        id3_frame("USLT", text("other", "li", "ignored", language=b"XXX"), version),
        id3_frame("IPLS", text("producer", "P", "mix", "M"), version),
        id3_frame("TIPL", text("engineer", "É", "arranger"), version),
        id3_frame("TMCL", text("piano", ""), version),
        id3_frame("UFID", b"http://musicbrainz.org\0" + b"0f6e32a1", version),
        id3_frame("UFID", b"nobody\0", version),
        id3_frame("POPM", b"a@b.c\0\xff", version),
        id3_frame("POPM", b"\0\x40\0\0\1\0", version),
        id3_frame("PCNT", b"\0\0\1\0", version),
        id3_frame("PRIV", b"owner\0" + bytes(300), version),
        id3_frame("WXXX", b"\0\0http://a", version),
        id3_frame("TIT2", b"", version),
        id3_frame("TPE1", b"\0", version),
    ]
    content = assert_same(write(tmp_path, frames, version))
    assert content.tags["POPM:"] == ["64/256"]
    assert content.tags["COMM"] == ["comment", "Kömmentar"]
    assert content.tags["TXXX:several"][:2] == ["a", "b"]
    assert ("COMM" in content.latin1) == (encoding == LATIN1)


@pytest.mark.parametrize(
    "given",
    [
        {"TYER": "2004", "TDAT": "2105", "TIME": "1830"},
        {"TYER": "2004", "TDAT": "2105"},
        {"TYER": "2004", "TIME": "1830"},
        {"TYER": "2004"},
        {"TYER": "04"},
        {"TDAT": "2105"},
        {"TYER": "2004", "TDRC": "2005"},
        {"TDRC": "Summer 1999", "TORY": "1980"},
    ],
)
def test_dates_of_both_versions(tmp_path: Path, given: dict[str, str]) -> None:
    frames = [id3_frame(name, id3_text([value], LATIN1), 3) for name, value in given.items()]
    assert_same(write(tmp_path, frames, 3))


@pytest.mark.parametrize("padding", [0, 1, 9, 10, 11, 3000, 20_000])
@pytest.mark.parametrize("version", VERSIONS)
def test_padding_of_any_size(tmp_path: Path, version: int, padding: int) -> None:
    frames = [id3_frame("TIT2", id3_text(["A"], UTF8), version)]
    assert assert_same(write(tmp_path, frames, version, padding)).tags == {"TIT2": ["A"]}


@pytest.mark.parametrize("size", [1, 126, 127, 128, 129, 255, 256, 16_383, 16_384, 70_000])
@pytest.mark.parametrize("version", VERSIONS)
def test_frames_of_any_size(tmp_path: Path, version: int, size: int) -> None:
    frames = [
        id3_frame("TIT2", id3_text(["A"], UTF8), version),
        id3_frame("TXXX", id3_text(["long", "x" * size], UTF8), version),
        id3_frame("TPE1", id3_text(["B"], UTF8), version),
    ]
    assert set(assert_same(write(tmp_path, frames, version)).tags) == {"TIT2", "TXXX:long", "TPE1"}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("size", [0, 100, 16_300, 300_000])
def test_a_picture_before_and_after_the_text(tmp_path: Path, version: int, size: int, encoding: int) -> None:
    description = id3_text(["front", ""], encoding)
    picture = id3_frame("APIC", description[:1] + b"image/jpeg\0\3" + description[1:] + b"\xff" * size, version)
    before, after = (id3_frame(name, id3_text(["A"], UTF8), version) for name in ("TIT2", "TPE1"))
    content = assert_same(write(tmp_path, [before, picture, after], version))
    assert content.has_picture
    assert set(content.tags) == {"TIT2", "TPE1"}


def test_a_picture_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = id3_frame("APIC", b"\0image/jpeg\0\3\0" + bytes(1_000_000), 4)
    file = write(tmp_path, [picture, id3_frame("TIT2", id3_text(["A"], UTF8), 4)])
    read_bytes = 0
    pread = quick.os.pread

    def counted(descriptor: int, count: int, offset: int) -> bytes:
        nonlocal read_bytes
        data = pread(descriptor, count, offset)
        read_bytes += len(data)
        return data

    monkeypatch.setattr("os.pread", counted)
    content = quick.read(str(file))
    assert content is not None
    assert content.has_picture
    assert read_bytes < 50_000


@pytest.mark.parametrize("has_id3v2", [True, False])
@pytest.mark.parametrize("tag", [id3v1(), id3v1(track=7), id3v1(b"T\xe9", b"\xcf\xf0\xe8", 3, 17), id3v1(b"", b"")])
def test_an_id3v1_tag_behind_the_sound(tmp_path: Path, tag: bytes, has_id3v2: bool) -> None:
    file = tmp_path / "x.mp3"
    front = id3_tag([id3_frame("TIT2", id3_text(["A"], UTF8), 4)], 4) if has_id3v2 else b""
    file.write_bytes(front + SOUND + tag)
    content = assert_same(file)
    assert bool(content.fallbacks) == has_id3v2
    assert content.tags


def test_no_tag_at_all(tmp_path: Path) -> None:
    file = tmp_path / "x.mp3"
    file.write_bytes(SOUND)
    assert assert_same(file).tags == {}


TITLE = id3_frame("TIT2", id3_text(["A"], UTF8), 4)
LYRICS = b"LYRICSBEGININD0000200LYR00003abc000032LYRICS200"
APE_FOOTER = b"APETAGEX" + struct.pack("<IIII", 2000, 32, 0, 0) + bytes(8)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(id3_tag([TITLE], 4, flags=0x80) + SOUND, id="unsynchronisation"),
        pytest.param(id3_tag([b"\0\0\0\6\1\0", TITLE], 4, flags=0x40) + SOUND, id="extended header"),
        pytest.param(id3_tag([TITLE], 2) + SOUND, id="version 2.2"),
        pytest.param(id3_tag([TITLE], 5) + SOUND, id="version 2.5"),
        pytest.param(id3_tag([id3_frame("TIT2", id3_text(["A"], UTF8), 4, 8)], 4) + SOUND, id="compressed"),
        pytest.param(id3_tag([id3_frame("TIT2", id3_text(["A"], UTF8), 4, 4)], 4) + SOUND, id="encrypted"),
        pytest.param(id3_tag([id3_frame("TIT2", id3_text(["A"], UTF8), 4, 2)], 4) + SOUND, id="unsynchronised frame"),
        pytest.param(id3_tag([id3_frame("TIT2", b"g" + id3_text(["A"], UTF8), 3, 32)], 3) + SOUND, id="grouped"),
        pytest.param(id3_tag([TITLE, TITLE], 4) + SOUND, id="two frames of one kind"),
        pytest.param(id3_tag([id3_frame("TIT2", b"\4A", 4)], 4) + SOUND, id="unknown encoding"),
        pytest.param(id3_tag([id3_frame("TIT2", b"\3\xff", 4)], 4) + SOUND, id="no UTF-8"),
        pytest.param(id3_tag([id3_frame("TIT2", b"\1A\0", 4)], 4) + SOUND, id="UTF-16 without mark"),
        pytest.param(id3_tag([id3_frame("TIT2", b"\1\xff\xfeA\0B", 4)], 4) + SOUND, id="half a character"),
        pytest.param(id3_tag([id3_frame("XXXX", b"\0A", 4)], 4) + SOUND, id="unknown frame"),
        pytest.param(id3_tag([id3_frame("SYLT", b"\0eng\2\1\0a\0\0\0\0\0", 4)], 4) + SOUND, id="synchronised lyrics"),
        pytest.param(id3_tag([id3_frame("PCNT", bytes(2000), 4)], 4) + SOUND, id="endless number"),
        pytest.param(id3_tag([id3_frame("TIT2", b"\3" + b"x" * (1 << 20), 4)], 4) + SOUND, id="a megabyte of text"),
        pytest.param(b"ID3\4\1" + id3_tag([TITLE], 4)[5:] + SOUND, id="revision"),
        pytest.param(id3_tag([id3_frame("COMM", b"\0eng\0A", 4)] * 2, 4) + SOUND, id="two comments of one kind"),
        pytest.param(id3_tag([id3_frame("COMM", b"\0e", 4)], 4) + SOUND, id="half a language"),
        pytest.param(id3_tag([id3_frame("UFID", b"owner", 4)], 4) + SOUND, id="identifier without end of its owner"),
        pytest.param(id3_tag([id3_frame("POPM", b"owner\0" + bytes(10), 4)], 4) + SOUND, id="endless play count"),
        pytest.param(id3_tag([id3_frame("APIC", b"\0image/png\0\3abc", 4)], 4) + SOUND, id="endless description"),
        pytest.param(id3_tag([id3_frame("TPE1", b"\1\xff\xfeA\0\0\0\xfe\xff\0B", 4)], 4) + SOUND, id="both orders"),
        pytest.param(id3_tag([id3_frame("TPE1", b"\1\xfe\xff\0A\0\0\0B", 4)], 4) + SOUND, id="one mark, big-endian"),
        pytest.param(id3_tag([b"PRIV\0\0\1\0\0\0abc"], 4) + SOUND, id="skipped frame beyond the tag"),
        pytest.param(id3_tag([TITLE, b"abc"], 4) + SOUND, id="something behind the last frame"),
        pytest.param(id3_tag([id3_frame("PRIV", b"", 4)] * 1001, 4) + SOUND, id="a thousand frames"),
        pytest.param(id3_tag([b"TIT2\0\0\1\0\0\0\3A"], 4, 50) + SOUND, id="frame beyond the tag"),
        pytest.param(b"ID3\4\0\0\x7f\x7f\x7f\x7f" + TITLE + SOUND, id="tag beyond the file"),
        pytest.param(b"ID3\4\0\0\0\0\1\x80" + TITLE + bytes(300) + SOUND, id="size with eighth bits"),
        pytest.param(id3_tag([TITLE], 4) + id3_tag([TITLE], 4) + SOUND, id="two tags"),
        pytest.param(id3_tag([TITLE], 4) + SOUND + APE_FOOTER, id="APEv2"),
        pytest.param(id3_tag([TITLE], 4) + SOUND + APE_FOOTER + id3v1(), id="APEv2 before ID3v1"),
        pytest.param(id3_tag([TITLE], 4) + SOUND + LYRICS + id3v1(), id="Lyrics3"),
        pytest.param(id3_tag([TITLE], 4) + SOUND + id3_tag([TITLE], 4) + b"3DI\4\0\0\0\0\0\1", id="tag at the end"),
    ],
)
def test_what_is_unusual_is_left(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "x.mp3"
    file.write_bytes(id3_tag([TITLE], 4) + SOUND)
    assert quick.read(str(file)) is not None
    file.write_bytes(data)
    assert quick.read(str(file)) is None


def test_tags_at_random(tmp_path: Path) -> None:
    chance = random.Random(SEED)  # noqa: S311 - the same in each run
    outcomes: Counter[str] = Counter()
    for _ in range(300):
        version = chance.choice(VERSIONS)
        names = chance.sample(TEXT_FRAMES, chance.randrange(12))
        frames = [_random_frame(chance, name, version) for name in [*names, "TXXX", "COMM", "USLT", "TIPL", "APIC"]]
        chance.shuffle(frames)
        file = write(tmp_path, frames, version, chance.choice((0, 5, 10, 500)), chance.choice((b"", id3v1())))
        outcomes[outcome(file)] += 1
    assert outcomes["same"] > 180, outcomes  # each has some texts cut, or without their mark


def _random_frame(chance: random.Random, name: str, version: int) -> bytes:
    encoding = chance.choice(ENCODINGS)
    values = VALUES if encoding == LATIN1 else WIDE_VALUES
    texts = [chance.choice(values) for _ in range(chance.choice((1, 1, 1, 2, 3)))]
    data = id3_text(texts, encoding, end=chance.choice(("", "", "\0", "\0\0")))
    if name in {"COMM", "USLT"}:
        data = data[:1] + chance.choice((b"eng", b"\0\0\0", b"XXX")) + data[1:]
    if name == "APIC":
        data = data[:1] + b"image/png\0\3" + data[1:] + chance.choice((b"", b"\0", b"\x89PNG\0\0\0"))
    return id3_frame(name, data[: -1 if chance.random() < 0.01 else None], version, chance.choice((0, 0, 0x4000)))
