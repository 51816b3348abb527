"""Files with absurdly many frames, comments, items, atoms or attributes: read as far as a limit, and quickly."""

import contextlib
import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from mutagen.ogg import OggPage

from soniquebay.audio.reading.embedded import embedded_pictures
from soniquebay.audio.reading.errors import UnreadableAudioError
from soniquebay.audio.reading.read import read_file
from tests.support.cpu_time import cpu_ratio
from tests.support.plain_files import (
    box,
    data_box,
    encoded,
    flac_with,
    id3_frame,
    id3_size,
    id3_tag,
    mp4_with,
    mpeg,
    vorbis_comments,
)
from tests.support.rare_audio import tone_bytes

MAX_CPU_RATIO = 5.0  # about half a second; the slowest has 2.8
TITLE = b"TITLE=T"


def _id3(*frames: bytes) -> bytes:
    return id3_tag([id3_frame("TIT2", b"\0T", 4), *frames], 4) + mpeg(50)


def _repeated(name: str, data: bytes, count: int) -> bytes:
    return _id3(*[id3_frame(name, data, 4)] * count)


def _compressed(megabytes: int) -> bytes:
    text = b"\0eng\0" + b"a" * (megabytes << 20)
    return _id3(id3_frame("COMM", bytes(4) + zlib.compress(text), 4, flags=9))


def _ape(*items: tuple[bytes, bytes]) -> bytes:
    body = b"".join(
        struct.pack("<II", len(value), 0) + key + b"\0" + value for key, value in ((b"Title", b"T"), *items)
    )
    return mpeg(50) + body + b"APETAGEX" + struct.pack("<IIII", 2000, len(body) + 32, len(items) + 1, 0) + bytes(8)


def _numbered(count: int) -> list[bytes]:
    return [b"K%d=v" % number for number in range(count)]


def _flac(comments: list[bytes], *others: tuple[int, bytes]) -> bytes:
    return flac_with(encoded("flac", "flac"), [(4, vorbis_comments([TITLE, *comments])), *others])


def _opus(comments: list[bytes]) -> bytes:
    file = io.BytesIO(encoded("opus", "libopus", 48000))
    first, _ = OggPage(file), OggPage(file)
    pages = OggPage.from_packets([b"OpusTags" + vorbis_comments([TITLE, *comments])], sequence=1)
    for page in pages:
        page.serial = first.serial
    return first.write() + b"".join(page.write() for page in pages) + file.read()


def _mp4(*tags: tuple[bytes, bytes]) -> bytes:
    return mp4_with(encoded("m4a", "aac"), [(b"\xa9nam", data_box(b"T")), *tags])


def _free_form(name: bytes) -> tuple[bytes, bytes]:
    return b"----", box(b"mean", bytes(4) + b"com.apple.iTunes") + box(b"name", bytes(4) + name) + data_box(b"v")


def _asf(objects: int, attributes: int) -> bytes:
    def attribute(name: str, value: str) -> bytes:
        texts = [(text + "\0").encode("utf-16-le") for text in (name, value)]
        return struct.pack("<H", len(texts[0])) + texts[0] + struct.pack("<HH", 0, len(texts[1])) + texts[1]

    title = attribute("Title", "T")
    body = struct.pack("<H", attributes) + title + attribute("A", "b") * (attributes - 1)
    guid = bytes.fromhex("40A4D0D207E3D21197F000A0C95EA850")
    added = (guid + struct.pack("<Q", 24 + len(body)) + body) * objects
    data = bytearray(tone_bytes(".wma"))
    size, count = struct.unpack_from("<QL", data, 16)
    struct.pack_into("<QL", data, 16, size + len(added), count + objects)
    return bytes(data[:30]) + added + bytes(data[30:])


def _asf_of_objects_without_content(count: int) -> bytes:
    inner = (bytes(16) + struct.pack("<Q", 1))[:17] * count + bytes(24)
    body = bytes(18) + struct.pack("<I", len(inner) - 24) + inner
    guid = bytes.fromhex("B503BF5F2EA9CF118EE300C00C205365")
    data = bytearray(tone_bytes(".wma"))
    size, objects = struct.unpack_from("<QL", data, 16)
    struct.pack_into("<QL", data, 16, size + 24 + len(body), objects + 1)
    return bytes(data[:30]) + guid + struct.pack("<Q", 24 + len(body)) + body + bytes(data[30:])


def _ebml(identifier: bytes, content: bytes) -> bytes:
    return identifier + (1 << 56 | len(content)).to_bytes(8, "big") + content


def _matroska(count: int) -> bytes:
    def simple(name: bytes, text: bytes) -> bytes:
        return _ebml(b"\x67\xc8", _ebml(b"\x45\xa3", name) + _ebml(b"\x44\x87", text))

    tags = _ebml(b"\x12\x54\xc3\x67", _ebml(b"\x73\x73", simple(b"TITLE", b"T") + simple(b"A", b"x") * count))
    data = tone_bytes(".mka")
    segment, cluster = data.index(b"\x18\x53\x80\x67"), data.index(b"\x1f\x43\xb6\x75")
    return data[: segment + 4] + b"\1" + b"\xff" * 7 + data[segment + 12 : cluster] + tags + data[cluster:]


def _wav(lists: int, texts: int) -> bytes:
    data = tone_bytes(".wav")
    info = b"INFOINAM\2\0\0\0T\0" + b"IART\2\0\0\0a\0" * texts
    return data[:12] + (b"LIST" + struct.pack("<I", len(info)) + info) * lists + data[12:]


FILES: dict[str, Callable[[], bytes]] = {
    "empty frames.mp3": lambda: _repeated("TXXX", b"", 60_000),
    "unknown frames.mp3": lambda: _repeated("ZZZZ", b"a", 60_000),
    "chapters.mp3": lambda: _repeated("CHAP", b"c\0" + bytes(16), 40_000),
    "titles.mp3": lambda: _id3(*(id3_frame("TIT2", b"\0%d" % number, 4) for number in range(10_000))),
    "descriptions.mp3": lambda: _id3(*(id3_frame("TXXX", b"\0k%d\0v" % number, 4) for number in range(30_000))),
    "pictures.mp3": lambda: _repeated("APIC", b"\0image/png\0\3\0x", 2_000),
    "values.mp3": lambda: _repeated("TPE1", b"\0" + b"a\0" * 200_000, 1),
    "values in UTF-16.mp3": lambda: _repeated("TXXX", b"\1\xff\xfe" + b"a\0\0\0" * 100_000, 1),
    "people.mp3": lambda: _repeated("TIPL", b"\0" + b"a\0" * 200_000, 1),
    "syllables.mp3": lambda: _repeated("SYLT", b"\0eng\2\1\0" + b"x\0\0\0\0\1" * 100_000, 1),
    "long text in UTF-16.mp3": lambda: _repeated("COMM", b"\1eng\xff\xfe\0\0" + b"a\0" * 2_000_000, 1),
    "compressed.mp3": lambda: _compressed(100),
    "version 2.2.mp3": lambda: b"ID3\2\0\0" + id3_size(60_000 * 9) + b"TT2\0\0\3\0T " * 60_000 + mpeg(50),
    "comments.flac": lambda: _flac(_numbered(300_000)),
    "empty comments.flac": lambda: _flac([b""] * 300_000),
    "blocks.flac": lambda: _flac([], *[(2, b"")] * 300_000),
    "comments.opus": lambda: _opus(_numbered(300_000)),
    "items.mp3": lambda: _ape(*((b"K%d" % number, b"v") for number in range(60_000))),
    "key.mp3": lambda: _ape((b"K" * 2_000_000, b"v")),
    "atoms of no tag.m4a": lambda: _mp4(*[(b"free", b"")] * 200_000),
    "free atoms of the file.m4a": lambda: _mp4() + box(b"free", b"") * 400_000,
    "tags.m4a": lambda: _mp4(*(_free_form(b"%d" % number) for number in range(15_000))),
    "attributes.wma": lambda: _asf(3, 60_000),
    "objects.wma": lambda: _asf_of_objects_without_content(300_000),
    "tags.mka": lambda: _matroska(100_000),
    "texts.wav": lambda: _wav(20, 50_000),
}
# Of these the parts that are too many stand before the sound, or are those by which it is found.
REFUSED = {"blocks.flac", "atoms of no tag.m4a"}


@pytest.mark.parametrize("name", FILES)
def test_reading_goes_as_far_as_a_limit(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_bytes(FILES[name]())
    titles: list[str] | None = None

    def read() -> None:
        nonlocal titles
        try:
            titles = read_file(str(file)).tags.get("title")
        except UnreadableAudioError as error:
            assert "far more parts than a file of music has" in str(error)

    assert cpu_ratio(read) < MAX_CPU_RATIO
    if name in REFUSED:
        assert titles is None
    elif name != "objects.wma":
        assert titles
        assert titles[0] == "T"


@pytest.mark.parametrize("name", FILES)
def test_looking_for_pictures_goes_as_far_as_a_limit(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_bytes(FILES[name]())
    pictures: list[object] = []

    def look() -> None:
        with contextlib.suppress(UnreadableAudioError):
            pictures.extend(embedded_pictures(str(file)))

    assert cpu_ratio(look) < MAX_CPU_RATIO
    assert len(pictures) == (64 if name == "pictures.mp3" else 0)


def test_what_taggers_write_is_below_the_limits(tmp_path: Path) -> None:
    file = tmp_path / "x.mp3"
    performers = b"\0".join(b"role%d\0person %d" % (number, number) for number in range(100))
    described = [id3_frame("TXXX", b"\0k%d\0v" % number, 4) for number in range(300)]
    lyrics = id3_frame("USLT", b"\1eng\xff\xfe\0\0" + "\xe4".encode("utf-16-le") * 20_000, 4)
    last = id3_frame("TPE1", b"\0A", 4)
    # The flag of the tag leaves it to mutagen.
    file.write_bytes(
        id3_tag([*described, lyrics, id3_frame("TMCL", b"\0" + performers, 4), last], 4, flags=0x20) + mpeg()
    )
    tags = read_file(str(file)).tags
    assert tags["artist"] == ["A"]
    assert tags["lyrics"] == ["\xe4" * 20_000]
    assert len(tags["performer"]) == 64  # the limit of one name
