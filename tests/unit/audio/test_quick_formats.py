"""MP3, FLAC, Ogg and MP4 by the quick readers: each plain file as mutagen reads it, and none of the others."""

import base64
import os
import re
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from mutagen.mp4 import MP4, AtomDataType, MP4Cover, MP4FreeForm
from mutagen.oggopus import OggOpus
from mutagen.oggvorbis import OggVorbis

from soniquebay.audio.reading import quick
from tests.support import picard
from tests.support.audio_files import CODECS
from tests.support.plain_files import (
    box,
    data_box,
    encoded,
    flac_picture,
    flac_with,
    mp4_with,
    mpeg,
    vbri_frame,
    vorbis_comments,
    xing_frame,
)
from tests.support.readers import assert_same

FRAMES = 50
SIZE = (FRAMES + 1) * 417
LAYOUTS = ("mono", "stereo")


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str, bytes], Path]:
    def write(name: str, data: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


Write = Callable[[str, bytes], Path]


def _at(data: bytes, offset: int, value: bytes) -> bytes:
    return data[:offset] + value + data[offset + len(value) :]


@pytest.mark.parametrize("id3_version", [3, 4])
@pytest.mark.parametrize("suffix", [".mp3", ".flac", ".ogg", ".opus", ".m4a"])
def test_tags_as_picard_writes_them(written: Write, suffix: str, id3_version: int) -> None:
    file = written(f"x{suffix}", encoded(suffix[1:], CODECS[suffix], 48000))
    picard.write(file, picard.RELEASE, id3_version)
    assert len(assert_same(file).tags) > 40


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("rate", [44100, 48000, 32000, 22050, 24000, 16000, 11025, 12000, 8000])
def test_mp3_of_every_rate(written: Write, rate: int, layout: str) -> None:
    sound = assert_same(written("x.mp3", encoded("mp3", "libmp3lame", rate, layout))).sound
    assert (sound.sample_rate, sound.channels) == (rate, 1 + (layout == "stereo"))


@pytest.mark.parametrize(
    "options", [{"b": "320k"}, {"b": "64k"}, {"qscale": "2", "global_quality": "236", "flags": "qscale"}]
)
def test_mp3_of_constant_and_variable_bit_rate(written: Write, options: dict[str, str]) -> None:
    assert assert_same(written("x.mp3", encoded("mp3", "libmp3lame", seconds=2.0, **options))).sound.bit_rate


@pytest.mark.parametrize(
    "encoder", [b"LAME3.100", b"LAME3.99r", b"LAME3.98 ", b"LAME3.97b", b"LAME3.92", b"Lavc60.31", b"", b"GOGO3.13"]
)
def test_mp3_without_the_samples_that_the_encoder_added(written: Write, encoder: bytes) -> None:
    sound = assert_same(written("x.mp3", mpeg(FRAMES, xing_frame(FRAMES, SIZE, encoder, (1105, 2047))))).sound
    added = 1105 + 2047 if encoder.startswith(b"LAME") else 0
    assert sound.duration == pytest.approx((FRAMES * 1152 - added) / 44100)


@pytest.mark.parametrize("frames", [10, 300])
def test_mp3_of_constant_bit_rate_without_a_header(written: Write, frames: int) -> None:
    sound = assert_same(written("x.mp3", mpeg(frames))).sound
    assert (sound.duration, sound.bit_rate) == (pytest.approx(frames * 1152 / 44100, rel=0.003), 128_000)


@pytest.mark.parametrize("entries", [(0, 2), (4, 2), (50, 4)])
def test_mp3_with_vbri(written: Write, entries: tuple[int, int]) -> None:
    sound = assert_same(written("x.mp3", mpeg(FRAMES, vbri_frame(FRAMES, SIZE, *entries)))).sound
    assert sound.duration == pytest.approx(FRAMES * 1152 / 44100)


def test_mp3_with_vbri_that_is_exact(written: Write) -> None:
    padding = b"\0\0"  # makes the size a multiple, so that no rounding hides what the header states
    frame = mpeg(1)
    other_rate = mpeg(1225).replace(frame[:4], frame[:2] + b"\xb0" + frame[3:4])
    data = mpeg(1, vbri_frame(1225, 511_244))[:417] + other_rate + padding
    sound = assert_same(written("x.mp3", data)).sound
    assert (sound.duration, sound.bit_rate) == (pytest.approx(32.0), 127_811)


XING = xing_frame(FRAMES, SIZE)
NO_COUNT = XING[:36] + b"Xing" + struct.pack(">I", 2) + XING[44:]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(mpeg(FRAMES, xing_frame(0, SIZE)), id="no frames"),
        pytest.param(mpeg(FRAMES, NO_COUNT), id="frames not stated"),
        pytest.param(mpeg(FRAMES, xing_frame(FRAMES, 3 * SIZE)), id="the file was cut"),
        pytest.param(mpeg(3 * FRAMES, XING), id="files were joined"),
        pytest.param(mpeg(FRAMES, xing_frame(FRAMES, SIZE, b"LAME3.88 ")), id="old LAME"),
        pytest.param(mpeg(1, xing_frame(1, 834, delays=(1000, 1000))), id="nothing is left"),
        pytest.param(mpeg(FRAMES, b"\x7f" + XING[1:]), id="no sync"),
        pytest.param(mpeg(FRAMES, b"\xff\xfb\0" + XING[3:]), id="bit rate not stated"),
        pytest.param(mpeg(FRAMES, xing_frame(FRAMES, SIZE, b"LAME4.00 ")), id="unknown LAME"),
        pytest.param(mpeg(FRAMES, XING[:36] + b"Info" + struct.pack(">III", 1, FRAMES, SIZE)), id="bytes not stated"),
        pytest.param(mpeg(FRAMES, vbri_frame(0, SIZE)), id="VBRI without frames"),
        pytest.param(mpeg(FRAMES, _at(vbri_frame(FRAMES, SIZE), 41, b"\2")), id="version of VBRI"),
        pytest.param(mpeg(FRAMES, vbri_frame(FRAMES, SIZE, 4000)), id="long VBRI"),
        pytest.param(mpeg(5) + mpeg(FRAMES, XING), id="a header later on"),
        pytest.param(mpeg(FRAMES, vbri_frame(FRAMES, SIZE, 4, 3)), id="VBRI with odd entries"),
        pytest.param(b"\0" + mpeg(FRAMES, XING), id="something before the first frame"),
        pytest.param(mpeg(FRAMES, b"\xff\xfd" + XING[2:]), id="layer II"),
        pytest.param(mpeg(FRAMES, b"\xff\xeb" + XING[2:]), id="reserved version"),
        pytest.param(mpeg(FRAMES, b"\xff\xfb\xf0" + XING[3:]), id="bad bit rate"),
        pytest.param(mpeg(FRAMES, b"\xff\xfb\x9c" + XING[3:]), id="bad sample rate"),
        pytest.param(mpeg(3), id="too few frames"),
        pytest.param(mpeg(2) + b"\0" + mpeg(FRAMES), id="frames that do not follow one another"),
        pytest.param(b"", id="empty"),
        pytest.param(bytes(5000), id="zeros"),
    ],
)
def test_unusual_mp3_is_left(written: Write, data: bytes) -> None:
    assert quick.read(str(written("x.mp3", mpeg(FRAMES, XING)))) is not None
    assert quick.read(str(written("x.mp3", data))) is None


COMMENTS = [
    b"TITLE=A", b"title=B", b"Artist=\xc3\x84 \xd0\xa7", b"ARTIST=", b"comment=a=b", b"ALBUM ARTIST=x", b"lyrics=1\n2",
    b"PERFORMER=Y (piano)", b"custom}=1",
]  # fmt: skip
PICTURE_COMMENT = b"METADATA_BLOCK_PICTURE=" + base64.b64encode(flac_picture(300_000))


@pytest.mark.parametrize("layout", [*LAYOUTS, "5.1"])
@pytest.mark.parametrize("rate", [8000, 44100, 96000, 192000])
@pytest.mark.parametrize(("sample_format", "bits"), [("s16", 16), ("s32", 32)])
def test_flac_of_every_kind(written: Write, rate: int, layout: str, sample_format: str, bits: int) -> None:
    sound = assert_same(
        written("x.flac", encoded("flac", "flac", rate, layout, 0.1, sample_format=sample_format))
    ).sound
    assert (sound.sample_rate, sound.bit_depth) == (rate, bits)


PADDING, APPLICATION, SEEK_TABLE, COMMENT, CUE_SHEET, PICTURE = range(1, 7)


@pytest.mark.parametrize(
    "blocks",
    [
        [(COMMENT, vorbis_comments(COMMENTS))],
        [(COMMENT, vorbis_comments([]))],
        [(PADDING, bytes(40_000))],
        [(SEEK_TABLE, bytes(1800)), (COMMENT, vorbis_comments(COMMENTS)), (PADDING, b"")],
        [(PICTURE, flac_picture(500_000)), (COMMENT, vorbis_comments(COMMENTS)), (PICTURE, flac_picture(0))],
        [(COMMENT, vorbis_comments([*COMMENTS, PICTURE_COMMENT, b"last=1"]))],
        [(COMMENT, vorbis_comments([b"COVERART=abc", b"x=" + b"y" * 20_000])), (APPLICATION, b"riff" + bytes(100))],
    ],
)
def test_metadata_blocks_of_flac(written: Write, blocks: list[tuple[int, bytes]]) -> None:
    content = assert_same(written("x.flac", flac_with(encoded("flac", "flac"), blocks)))
    assert content.has_picture == any(
        kind == PICTURE or b"PICTURE=" in body or b"ART=" in body for kind, body in blocks
    )
    assert ("artist" in content.tags) == any(b"Artist=" in body for _, body in blocks)


def _without_length(flac: bytes) -> bytes:
    return flac[:21] + bytes([flac[21] & 0xF0]) + bytes(4) + flac[26:]


PLAIN_FLAC = encoded("flac", "flac")
BAD_SIZE = flac_picture(100)[:-101] + b"\xff" + bytes(100)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(_without_length(PLAIN_FLAC), id="length not stated"),
        pytest.param(b"ID3\4\0\0\0\0\0\x0a" + bytes(10) + PLAIN_FLAC, id="ID3 before it"),
        pytest.param(flac_with(PLAIN_FLAC, [(COMMENT, vorbis_comments([b"no key"]))]), id="comment without key"),
        pytest.param(flac_with(PLAIN_FLAC, [(COMMENT, vorbis_comments([b"=x"]))]), id="empty key"),
        pytest.param(flac_with(PLAIN_FLAC, [(COMMENT, vorbis_comments([b"k\xc3\xa9y=x"]))]), id="key not in ASCII"),
        pytest.param(flac_with(PLAIN_FLAC, [(COMMENT, vorbis_comments([b"x=\xe4"]))]), id="no UTF-8"),
        pytest.param(flac_with(PLAIN_FLAC, [(COMMENT, vorbis_comments(COMMENTS)[:-1])]), id="comments cut"),
        pytest.param(flac_with(PLAIN_FLAC, [(COMMENT, vorbis_comments(COMMENTS) + b"\1")]), id="comments too long"),
        pytest.param(flac_with(PLAIN_FLAC, [(COMMENT, vorbis_comments(COMMENTS))] * 2), id="comments twice"),
        pytest.param(flac_with(PLAIN_FLAC, [(COMMENT, vorbis_comments([b"x=" + bytes(1 << 20)]))]), id="a megabyte"),
        pytest.param(flac_with(PLAIN_FLAC, [(COMMENT, b"\0\0\0\0\xff\xff\xff\xff")]), id="billions of comments"),
        pytest.param(flac_with(PLAIN_FLAC, [(PICTURE, BAD_SIZE)]), id="size of the picture"),
        pytest.param(flac_with(PLAIN_FLAC, [(CUE_SHEET, bytes(396))]), id="cue sheet"),
        pytest.param(flac_with(PLAIN_FLAC, [(99, b"abc")]), id="unknown block"),
        pytest.param(flac_with(PLAIN_FLAC, [(0, PLAIN_FLAC[8:42])]), id="two STREAMINFO"),
        pytest.param(PLAIN_FLAC[:60], id="cut"),
        pytest.param(flac_with(PLAIN_FLAC, [(PADDING, bytes(3000))])[:100], id="cut within the padding"),
        pytest.param(_at(PLAIN_FLAC, 4, b"\1"), id="no STREAMINFO"),
        pytest.param(_at(PLAIN_FLAC, 4, b"\x80"), id="nothing behind STREAMINFO"),
        pytest.param(_at(PLAIN_FLAC, 7, b"\x23"), id="long STREAMINFO"),
        pytest.param(_at(PLAIN_FLAC, 18, b"\0\0" + bytes([PLAIN_FLAC[20] & 15])), id="no sample rate"),
        pytest.param(_at(PLAIN_FLAC, 21, bytes([PLAIN_FLAC[21] | 15]) + b"\xff" * 4), id="days long"),
        pytest.param(flac_with(PLAIN_FLAC, [(SEEK_TABLE, bytes(18))] * 2), id="two seek tables"),
        pytest.param(flac_with(PLAIN_FLAC, [(PADDING, b"")] * 257), id="hundreds of blocks"),
    ],
)
def test_unusual_flac_is_left(written: Write, data: bytes) -> None:
    assert quick.read(str(written("x.flac", PLAIN_FLAC))) is not None
    assert quick.read(str(written("x.flac", data))) is None


OGGS = [
    ("ogg", "vorbis", 44100, "stereo"),  # FFmpeg's own encoder has no mono
    ("ogg", "vorbis", 22050, "stereo"),
    ("opus", "libopus", 48000, "stereo"),
    ("opus", "libopus", 48000, "mono"),
    ("opus", "libopus", 16000, "stereo"),
]


@pytest.mark.parametrize(("suffix", "codec", "rate", "layout"), OGGS)
def test_ogg_of_every_kind(written: Write, suffix: str, codec: str, rate: int, layout: str) -> None:
    for seconds in (0.1, 3.0):
        sound = assert_same(written(f"x.{suffix}", encoded(suffix, codec, rate, layout, seconds))).sound
        assert sound.duration == pytest.approx(seconds, abs=0.05)


@pytest.mark.parametrize("size", [0, 100, 5000, 70_000, 700_000])
@pytest.mark.parametrize("name", ["x.ogg", "x.opus"])
def test_ogg_comments_of_any_size(written: Write, name: str, size: int) -> None:
    codec, rate, kind = ("vorbis", 44100, OggVorbis) if name == "x.ogg" else ("libopus", 48000, OggOpus)
    file = written(name, encoded(name[2:], codec, rate))
    audio = kind(file)
    audio["title"], audio["artist"] = "A", ["B", "Ч"]
    audio["comment"], audio["lyrics"] = "x" * size, "last"
    audio["metadata_block_picture"] = base64.b64encode(flac_picture(size // 3)).decode()
    audio.save()
    content = assert_same(file)
    assert content.has_picture
    assert len(content.tags["comment"][0]) == size


def test_ogg_comments_whose_pages_end_anywhere(written: Write) -> None:
    plain = encoded("ogg", "vorbis")
    for size in range(3800, 4400, 7):
        file = written("x.ogg", plain)
        audio = OggVorbis(file)
        audio["comment"] = "x" * size
        audio.save()
        assert_same(file)


@pytest.mark.parametrize("name", ["x.ogg", "x.opus"])
def test_an_ogg_comment_beyond_the_others_is_left(written: Write, name: str) -> None:
    file = written(name, PLAIN_OGG if name == "x.ogg" else PLAIN_OPUS)
    audio = OggVorbis(file) if name == "x.ogg" else OggOpus(file)
    audio["title"] = "A"
    audio.save()
    assert_same(file)
    data = file.read_bytes()
    assert quick.read(str(written(name, _at(data, data.index(b"title=A") - 4, b"\xff\xff")))) is None


PLAIN_OGG = encoded("ogg", "vorbis")
PLAIN_OPUS = encoded("opus", "libopus", 48000)
LAST_PAGE = PLAIN_OGG.rindex(b"OggS")


def _with_empty_page() -> bytes:
    """Return a file whose comments begin on a page without any content."""
    empty, rest = PLAIN_OGG[58:84] + b"\0", _at(_at(PLAIN_OGG[58:], 5, b"\1"), 18, b"\2")
    return PLAIN_OGG[:58] + empty + rest


def _of_serial(ogg: bytes, serial: bytes) -> bytes:
    """Return the same stream with another serial number; nobody here looks at the checksums."""
    return re.sub(rb"(OggS.{10}).{4}", rb"\1" + serial, ogg, flags=re.DOTALL)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(PLAIN_OGG + _of_serial(encoded("ogg", "vorbis", 22050), b"next"), id="chained"),
        pytest.param(_of_serial(encoded("opus", "libopus", 48000)[:47], b"this") + PLAIN_OGG, id="multiplexed"),
        pytest.param(PLAIN_OGG + b"\0\0\0", id="something behind the last page"),
        pytest.param(PLAIN_OGG[:-1], id="cut"),
        pytest.param(PLAIN_OGG[:LAST_PAGE], id="no last page"),
        pytest.param(_at(PLAIN_OGG, LAST_PAGE + 5, b"\0"), id="last page not marked"),
        pytest.param(_at(PLAIN_OGG, LAST_PAGE + 6, b"\xff" * 8), id="no length"),
        pytest.param(_at(PLAIN_OGG, LAST_PAGE + 14, b"xxxx"), id="other stream"),
        pytest.param(_at(PLAIN_OGG, 4, b"\1"), id="version of Ogg"),
        pytest.param(_at(PLAIN_OGG, 28, b"\1theora"), id="other codec"),
        pytest.param(_at(PLAIN_OGG, 40, bytes(4)), id="no sample rate"),
        pytest.param(_at(PLAIN_OGG, 58 + 5, b"\1"), id="continued page"),
        pytest.param(_at(PLAIN_OGG, 58 + 18, b"\2"), id="page left out"),
        pytest.param(_at(PLAIN_OGG, 58 + 4, b"\1"), id="version of the second page"),
        pytest.param(_at(PLAIN_OGG, 58 + 14, b"xxxx"), id="second page of another stream"),
        pytest.param(_at(PLAIN_OGG, 58, b"Xggs"), id="no second page"),
        pytest.param(_with_empty_page(), id="empty page"),
        pytest.param(_at(PLAIN_OGG, 5, b"\0"), id="not the first page"),
        pytest.param(_at(PLAIN_OGG, 6, b"\1"), id="sound on the first page"),
        pytest.param(_at(PLAIN_OGG, 18, b"\1"), id="number of the first page"),
        pytest.param(_at(PLAIN_OGG, LAST_PAGE + 4, b"\1"), id="version of the last page"),
        pytest.param(_at(PLAIN_OGG, LAST_PAGE + 6, bytes(8)), id="length 0"),
        pytest.param(_at(PLAIN_OGG, LAST_PAGE + 6, b"\xff" * 7 + b"\x7f"), id="years long"),
        pytest.param(_at(PLAIN_OGG, 28 + 11, b"\0"), id="no channels"),
        pytest.param(_at(PLAIN_OGG, PLAIN_OGG.index(b"\x03vorbis"), b"\4"), id="no comments"),
        pytest.param(_at(PLAIN_OGG, PLAIN_OGG.index(b"\x05vorbis") - 1, b"\0"), id="no framing bit"),
        pytest.param(_at(PLAIN_OPUS, 28 + 8, b"\x10"), id="version of Opus"),
        pytest.param(_at(PLAIN_OPUS, 28 + 9, b"\0"), id="Opus without channels"),
        pytest.param(_at(PLAIN_OPUS, PLAIN_OPUS.index(b"OpusTags"), b"X"), id="Opus without comments"),
        pytest.param(_at(PLAIN_OPUS, 28 + 10, b"\xff\xff"), id="Opus whose samples are all skipped"),
    ],
)
def test_unusual_ogg_is_left(written: Write, data: bytes) -> None:
    assert quick.read(str(written("x.ogg", PLAIN_OGG))) is not None
    assert quick.read(str(written("x.ogg", data))) is None


@pytest.mark.parametrize("kind", [("aac", "fltp", None), ("alac", "s16p", 16), ("alac", "s32p", 24)])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("rate", [8000, 22050, 24000, 44100, 48000, 96000])
def test_mp4_of_every_rate(written: Write, kind: tuple[str, str, int | None], layout: str, rate: int) -> None:
    codec, sample_format, bits = kind
    data = encoded("m4a", codec, rate, layout, 0.2, sample_format=sample_format)
    sound = assert_same(written("x.m4a", data)).sound
    assert (sound.codec, sound.sample_rate, sound.channels) == (codec.upper(), rate, 1 + (layout == "stereo"))
    assert sound.bit_depth == bits


@pytest.mark.parametrize("codec", ["aac", "alac"])
@pytest.mark.parametrize("options", [{"movflags": "faststart"}, {"layout": "5.1"}, {"seconds": 5.0}])
def test_mp4_of_other_kinds(written: Write, codec: str, options: dict[str, str]) -> None:
    assert_same(written("x.m4b", encoded("m4a", codec, **options)))  # type: ignore[arg-type]


def _config(*bits: tuple[int, int]) -> bytes:
    """Return an AudioSpecificConfig of (value, bits)."""
    text = "".join(f"{value:0{size}b}" for value, size in bits)
    return int(text.ljust(-(-len(text) // 8) * 8, "0"), 2).to_bytes(-(-len(text) // 8), "big")


LC_22050 = ((2, 5), (7, 4), (2, 4), (0, 3))


@pytest.mark.parametrize(
    "config",
    [
        pytest.param(_config((2, 5), (4, 4), (1, 4), (0, 3)), id="LC, mono"),
        pytest.param(_config((2, 5), (4, 4), (7, 4), (0, 3)), id="LC, 7.1"),
        pytest.param(_config(*LC_22050), id="LC at half the rate, replication not told"),
        pytest.param(_config((2, 5), (7, 4), (1, 4), (0, 3)), id="LC at half the rate, mono"),
        pytest.param(_config(*LC_22050, (0x2B7, 11), (5, 5), (1, 1), (4, 4)), id="replication told"),
        pytest.param(_config(*LC_22050, (0x2B7, 11), (5, 5), (0, 1)), id="no replication told"),
        pytest.param(
            _config((2, 5), (7, 4), (1, 4), (0, 3), (0x2B7, 11), (5, 5), (1, 1), (4, 4), (0x548, 11), (1, 1)),
            id="parametric stereo told",
        ),
        pytest.param(_config((5, 5), (7, 4), (2, 4), (4, 4), (2, 5), (0, 3)), id="HE-AAC"),
        pytest.param(_config((29, 5), (7, 4), (1, 4), (4, 4), (2, 5), (0, 3)), id="HE-AAC version 2"),
        pytest.param(_config((5, 5), (7, 4), (1, 4), (4, 4), (2, 5), (0, 3)), id="HE-AAC, mono"),
    ],
)
def test_kinds_of_aac(written: Write, config: bytes) -> None:
    assert_same(written("x.m4a", _with_config(config)))


def _with_config(config: bytes) -> bytes:
    data = encoded("m4a", "aac")
    moov = data.index(b"moov") - 4
    entry = data.index(b"esds") + 4
    old = data[entry : entry + int.from_bytes(data[entry - 8 : entry - 4], "big") - 8]
    start = old.index(b"\x05\x80\x80\x80")
    size = old[start + 4]
    assert len(config) + 2 <= 20
    # The other descriptors stay as long as they were: the new one gets zeros behind it, beyond its own size.
    room = old[start + 5 : start + 5 + size]
    new = old[: start + 4] + bytes([len(config)]) + config.ljust(len(room), b"\0") + old[start + 5 + size :]
    grown = len(new) - len(old)
    for name in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"mp4a", b"esds"):
        at = data.index(name, moov) - 4
        data = _at(data, at, (int.from_bytes(data[at : at + 4], "big") + grown).to_bytes(4, "big"))
    return data[:entry] + new + data[entry + len(old) :]


PLAIN_MP4 = encoded("m4a", "aac")
PLAIN_ALAC = encoded("m4a", "alac", seconds=0.05)


def test_mp4_tags_as_they_are_written(written: Write) -> None:
    file = written("x.m4a", PLAIN_MP4)
    audio = MP4(file)
    audio["\xa9nam"], audio["\xa9ART"], audio["aART"] = "Ä", ["A", "B"], ""
    audio["trkn"], audio["disk"], audio["tmpo"] = [(3, 12)], [(1, 0)], [128]
    audio["cpil"], audio["pgap"], audio["stik"], audio["plID"] = True, False, [1], [1 << 40]
    audio["\xa9mvi"], audio["shwm"], audio["rtng"] = [-2], [1], [70_000]
    audio["----:com.apple.iTunes:MusicBrainz Track Id"] = [b"abc", "Ч".encode()]
    audio["----:com.apple.iTunes:Encoding Params"] = MP4FreeForm(b"vers\xff\xfe", AtomDataType.IMPLICIT)
    audio["covr"] = [MP4Cover(bytes(300_000)), MP4Cover(b"", MP4Cover.FORMAT_PNG)]
    audio["soal"] = "sort"
    audio.save()
    content = assert_same(file)
    assert content.has_picture
    assert (content.tags["trkn"], content.tags["cpil"], content.tags["rtng"]) == (["3/12"], ["1"], ["70000"])


@pytest.mark.parametrize(
    "tags",
    [
        [],
        [(b"gnre", data_box(b"\0\x12", 0))],
        [(b"\xa9nam", data_box(b"A")), (b"gnre", data_box(b"\0\0", 0))],
        [(b"\xa9gen", data_box(b"Folk")), (b"gnre", data_box(b"\0\1", 0))],
        [(b"\xa9nam", data_box(b"A") + data_box(b"B", 0)), (b"\xa9nam", data_box(b"C"))],
        [(b"cpil", data_box(b"\0", 21)), (b"\xa9nam", data_box(b"A")), (b"cpil", data_box(b"\1", 21))],
        [(b"new1", data_box(b"text of a later release")), (b"new2", data_box(b"\xff\xfe", 0))],
        [(b"covr", b""), (b"\xa9nam", data_box(b""))],
        [(b"\xa9nam", b"")],
        [(b"trkn", data_box(b"\0\0\0\1\0\2", 0))],
        [(b"----", box(b"mean", bytes(4) + b"m") + box(b"name", bytes(4) + b"n"))],
        [(b"\xa9lyr", data_box(b"x" * 100_000)), (b"covr", data_box(bytes(100_000), 13)), (b"\xa9nam", data_box(b"A"))],
    ],
)
def test_mp4_tags_box_by_box(written: Write, tags: list[tuple[bytes, bytes]]) -> None:
    assert_same(written("x.m4a", mp4_with(PLAIN_MP4, tags)))


def test_a_genre_of_number_0_is_none(written: Write) -> None:
    content = assert_same(written("x.m4a", mp4_with(PLAIN_MP4, [(b"gnre", data_box(b"\0\0", 0))])))
    assert content.tags == {}


@pytest.mark.parametrize("stated", [0, 1000, 0x7FFFFFFF])
def test_the_bit_rate_of_alac_is_that_of_its_data(written: Write, stated: int) -> None:
    data = _in_box(b"alac", 20, struct.pack(">I", stated), encoded("m4a", "alac", seconds=1.0))
    size = int.from_bytes(data[(place := data.index(b"mdat")) - 4 : place], "big") - 8
    sound = assert_same(written("x.m4a", data)).sound
    assert sound.bit_rate == pytest.approx(8 * size / sound.duration, abs=1)


def test_a_book_with_chapters(written: Write) -> None:
    chapters = bytes(8) + b"\2" + b"".join(struct.pack(">QB", n * 10**7, 3) + b"One" for n in range(2))
    name = [(b"\xa9nam", data_box(b"A"))]
    data = mp4_with(PLAIN_MP4, name, after=box(b"chpl", chapters))
    assert assert_same(written("x.m4b", data)).tags == {"\xa9nam": ["A"]}
    for at in (TRAK, UDTA):
        assert assert_same(written("x.m4b", _with_tracks(TEXT_TRACK * 2, at))).sound.codec == "AAC"


TEXT_TRACK = box(b"trak", box(b"mdia", box(b"hdlr", bytes(8) + b"text" + bytes(13))))
MOOV, TRAK, UDTA = (PLAIN_MP4.rindex(name) - 4 for name in (b"moov", b"trak", b"udta"))
SOUND_TRACK = PLAIN_MP4[TRAK:UDTA]


def _with_tracks(tracks: bytes, at: int) -> bytes:
    """Return a file with more tracks at an offset."""
    size = int.from_bytes(PLAIN_MP4[MOOV : MOOV + 4], "big") + len(tracks)
    grown = _at(PLAIN_MP4, MOOV, size.to_bytes(4, "big"))
    return grown[:at] + tracks + grown[at:]


def _tagged(*tags: tuple[bytes, bytes]) -> bytes:
    return mp4_with(PLAIN_MP4, tags)


def _renamed(old: bytes, new: bytes) -> bytes:
    return PLAIN_MP4.replace(old, new, 1)


def _in_box(name: bytes, offset: int, value: bytes, data: bytes = PLAIN_MP4) -> bytes:
    """Return a file with other bytes at an offset in the content of its last box of this name."""
    return _at(data, data.rindex(name) + 4 + offset, value)


def _in_descriptor(tag: int, offset: int, value: bytes) -> bytes:
    start = PLAIN_MP4.index(bytes([tag]) + b"\x80\x80\x80", PLAIN_MP4.index(b"esds"))
    return _at(PLAIN_MP4, start + 5 + offset, value)


def _kind_of_aac(*bits: tuple[int, int]) -> bytes:
    return _with_config(_config(*bits))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(PLAIN_MP4 + box(b"moof", b""), id="fragments"),
        pytest.param(_renamed(b"udta", b"mvex"), id="fragments to come"),
        pytest.param(encoded("m4a", "aac", movflags="frag_keyframe+empty_moov"), id="fragmented"),
        pytest.param(_renamed(b"soun", b"vide"), id="no sound"),
        pytest.param(_with_tracks(TEXT_TRACK * 5, UDTA), id="many tracks"),
        pytest.param(_with_tracks(SOUND_TRACK, UDTA), id="two tracks of sound"),
        pytest.param(_renamed(b"mp4a", b"drms"), id="encrypted"),
        pytest.param(_renamed(b"mp4a", b"ac-3"), id="other codec"),
        pytest.param(_renamed(b"mdat", b"what"), id="unknown box"),
        pytest.param(PLAIN_MP4 + bytes(3), id="something behind the last box"),
        pytest.param(PLAIN_MP4[:-10], id="cut"),
        pytest.param(PLAIN_MP4 + PLAIN_MP4[PLAIN_MP4.rindex(b"moov") - 4 :], id="two of moov"),
        pytest.param(_in_box(b"mdhd", 0, b"\2"), id="version of mdhd"),
        pytest.param(_in_box(b"mdhd", 12, bytes(4)), id="no time scale"),
        pytest.param(_in_box(b"mdhd", 16, bytes(4)), id="length 0"),
        pytest.param(_in_box(b"mdhd", 16, b"\xff" * 4), id="length not known"),
        pytest.param(_in_box(b"stsd", 0, b"\1"), id="version of stsd"),
        pytest.param(_in_box(b"stsd", 7, b"\2"), id="two descriptions"),
        pytest.param(_in_box(b"mp4a", 8, b"\0\1"), id="sound of QuickTime"),
        pytest.param(_in_box(b"esds", 0, b"\1"), id="version of esds"),
        pytest.param(_in_box(b"alac", 8, b"\1", PLAIN_ALAC), id="version of ALAC"),
        pytest.param(_in_box(b"alac", 13, b"\0", PLAIN_ALAC), id="no channels"),
        pytest.param(_in_box(b"alac", 9, b"\0", PLAIN_ALAC), id="no bits a sample"),
        pytest.param(_in_box(b"alac", 24, bytes(4), PLAIN_ALAC), id="no sample rate"),
        pytest.param(_in_descriptor(3, 2, b"\x80"), id="stream that depends on another"),
        pytest.param(_in_descriptor(4, 0, b"\x6b"), id="MP3 in MP4"),
        pytest.param(_in_descriptor(4, 1, b"\x11"), id="no sound stream"),
        pytest.param(_in_descriptor(5, -1, b"\x7f"), id="descriptor beyond the box"),
        pytest.param(_kind_of_aac((1, 5), (4, 4), (2, 4), (0, 3)), id="AAC Main"),
        pytest.param(_kind_of_aac((2, 5), (4, 4), (0, 4), (0, 3)), id="channels told elsewhere"),
        pytest.param(_kind_of_aac((2, 5), (4, 4), (2, 4), (1, 3)), id="extension of AAC LC"),
        pytest.param(_kind_of_aac((2, 5), (15, 4), (44100, 24), (2, 4), (0, 3)), id="any sample rate"),
        pytest.param(_kind_of_aac(*LC_22050, (0x2B7, 11), (22, 5), (1, 1), (4, 4)), id="extension of another kind"),
        pytest.param(_tagged((b"\xa9nam", data_box(b"\xff"))), id="no UTF-8"),
        pytest.param(_tagged((b"\xa9nam", data_box(b"\0A", 2))), id="UTF-16"),
        pytest.param(_tagged((b"\xa9nam", b"\0\0\0\x99data" + bytes(8))), id="value beyond the tag"),
        pytest.param(_tagged((b"\xa9nam", bytes(16))), id="value without size"),
        pytest.param(_tagged((b"gnre", data_box(b"\2\0", 0))), id="unknown genre"),
        pytest.param(_tagged((b"tmpo", data_box(bytes(5), 21))), id="number of five bytes"),
        pytest.param(_tagged((b"trkn", data_box(b"\0\0\0\1", 0))), id="half a pair"),
        pytest.param(_tagged((b"covr", box(b"name", b"x"))), id="name of a picture"),
        pytest.param(_tagged((b"covr", box(b"data", b"x"))), id="picture without type"),
        pytest.param(_tagged((b"----", box(b"what", bytes(5)) + box(b"name", bytes(5)))), id="no mean"),
        pytest.param(_tagged((b"----", box(b"mean", bytes(5)) + box(b"what", bytes(5)))), id="no name"),
        pytest.param(_tagged((b"----", box(b"mean", b"") + box(b"name", bytes(5)))), id="short mean"),
        pytest.param(_tagged((b"----", box(b"mean", bytes(5)) + box(b"name", b""))), id="short name"),
        pytest.param(_tagged((b"----", box(b"mean", bytes(5)) + b"\0\0\0\x99name" + bytes(5))), id="long name"),
        pytest.param(_tagged((b"----", box(b"mean", bytes(4) + b"\xff") + box(b"name", bytes(5)))), id="odd mean"),
        pytest.param(_tagged((b"\xa9lyr", data_box(b"x" * (1 << 20)))), id="a megabyte"),
    ],
)
def test_unusual_mp4_is_left(written: Write, data: bytes) -> None:
    assert quick.read(str(written("x.m4a", PLAIN_MP4))) is not None
    assert quick.read(str(written("x.m4a", data))) is None


def test_what_is_no_regular_file_is_left_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp3")
    (tmp_path / "folder.mp3").mkdir()
    for name in ("pipe.mp3", "folder.mp3", "missing.mp3", "nul\0.mp3"):
        assert quick.read(f"{tmp_path}/{name}") is None


def test_no_descriptor_stays_open(written: Write) -> None:
    file = written("x.mp3", b"ID3\4\0\0\0\0\1\0")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        assert quick.read(str(file)) is None
    assert len(list(Path("/proc/self/fd").iterdir())) == before
