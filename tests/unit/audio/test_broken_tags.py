"""Short sounds, and files whose tags alone are broken: they are read and decoded, or the reason is exact."""

import io
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from mutagen.ogg import OggPage

from soniquebay.audio.analysis import analyse
from soniquebay.audio.reading.errors import UnreadableAudioError
from soniquebay.audio.reading.read import read_file
from tests.support.audio_files import CODECS, tone
from tests.support.plain_files import (
    data_box,
    encoded,
    flac_with,
    id3_frame,
    id3_size,
    id3_tag,
    mp4_with,
    vorbis_comments,
)
from tests.support.rare_audio import mp3_of_constant_rate, tone_bytes

COMMENTS = vorbis_comments([b"TITLE=T", b"ARTIST=A"])
BROKEN_COMMENTS = {
    "vendor too long": struct.pack("<I", 0xFFFFFF) + b"vendor",
    "too many stated": COMMENTS[:10] + struct.pack("<I", 99999) + COMMENTS[14:],
    "comment too long": COMMENTS[:14] + struct.pack("<I", 0x7FFFFFFF) + COMMENTS[18:],
    "cut": COMMENTS[:20],
    "empty": b"",
    "other data": bytes(range(256)) * 3,
}
ID3 = id3_tag([id3_frame("TIT2", b"\0T", 4)], 4, 20)
INFO = b"INFOINAM\2\0\0\0T\0"


def _ogg(suffix: str, codec: str, comments: bytes, rate: int = 44100) -> bytes:
    """Return an Ogg file with this packet of comments in place of its own."""
    file, pages = io.BytesIO(encoded(suffix, codec, rate, seconds=1.0)), []
    while file.tell() < len(file.getvalue()):
        pages.append(OggPage(file))
    headers = [page for page in pages[1:] if page.position == 0]
    packets = [comments, *OggPage.to_packets(headers)[1:]]
    changed = [pages[0], *OggPage.from_packets(packets, sequence=1), *pages[1 + len(headers) :]]
    for number, page in enumerate(changed):
        page.serial, page.sequence = pages[0].serial, number
    return b"".join(page.write() for page in changed)


def _flac(comments: bytes, stated: int | None = None) -> bytes:
    data = flac_with(encoded("flac", "flac", seconds=1.0), [(4, comments)])
    place = 42 + 1
    return data if stated is None else data[:place] + stated.to_bytes(3, "big") + data[place + 3 :]


def _id3(size: bytes, version: bytes = b"\4\0") -> bytes:
    return b"ID3" + version + b"\0" + size + ID3[10:] + mp3_of_constant_rate(1.0)


def _mp4(name: bytes, size: int) -> bytes:
    """Return an M4A file in which the box of a name states this size."""
    data = mp4_with(encoded("m4a", "aac", seconds=1.0), [(b"\xa9nam", data_box(b"T"))])
    place = data.rindex(name) - 4
    return data[:place] + struct.pack(">I", size) + data[place + 4 :]


def _wav(before: bytes = b"", after: bytes = b"") -> bytes:
    data = tone_bytes(".wav")
    return data[:12] + before + data[12:] + after


def _list(content: bytes, size: int) -> bytes:
    return b"LIST" + struct.pack("<I", size) + content


def _in_flac(*blocks: tuple[int, bytes]) -> bytes:
    return flac_with(encoded("flac", "flac", seconds=1.0), [(4, COMMENTS), *blocks])


def _ogg_vorbis(comments: bytes) -> bytes:
    return _ogg("ogg", "vorbis", b"\3vorbis" + comments + b"\1")


def _opus(comments: bytes) -> bytes:
    return _ogg("opus", "libopus", b"OpusTags" + comments, 48000)


def _id3_of_other_data() -> bytes:
    return b"ID3\4\0\0" + id3_size(3000) + bytes(i * 7 % 256 for i in range(3000)) + mp3_of_constant_rate(1.0)


FILES: dict[str, Callable[[], bytes]] = {
    **{f"{name}.ogg": partial(_ogg_vorbis, c) for name, c in BROKEN_COMMENTS.items()},
    **{f"{name}.opus": partial(_opus, c) for name, c in BROKEN_COMMENTS.items()},
    **{f"{name}.flac": partial(_flac, c) for name, c in BROKEN_COMMENTS.items()},
    "no framing bit.ogg": lambda: _ogg("ogg", "vorbis", b"\3vorbis" + COMMENTS + b"\0"),
    "block too large.flac": lambda: _flac(COMMENTS, 0xFFFFFF),
    "block too small.flac": lambda: _flac(COMMENTS, len(COMMENTS) - 10),
    "picture.flac": lambda: _in_flac((6, b"\0\0\0\3\x7f\xff\xff\xff")),
    "cue sheet.flac": lambda: _in_flac((5, b"\1" * 500)),
    "larger than the file.mp3": lambda: _id3(id3_size(200_000_000)),
    "too small.mp3": lambda: _id3(id3_size(5)),
    "not synchsafe.mp3": lambda: _id3(b"\x80\x80\x80\xff"),
    "version 2.9.mp3": lambda: _id3(ID3[6:10], b"\x09\0"),
    "other data.mp3": _id3_of_other_data,
    "before WavPack.wv": lambda: ID3 + tone_bytes(".wv"),
    "tag too long.m4a": lambda: _mp4(b"\xa9nam", 0x7FFFFFFF),
    "tag of no size.m4a": lambda: _mp4(b"\xa9nam", 0),
    "tag too short.m4a": lambda: _mp4(b"\xa9nam", 4),
    "data too long.m4a": lambda: _mp4(b"data", 0x7FFFFFFF),
    "ilst too long.m4a": lambda: _mp4(b"ilst", 0x7FFFFFFF),
    "ilst of no size.m4a": lambda: _mp4(b"ilst", 0),
    "udta too long.m4a": lambda: _mp4(b"udta", 0x7FFFFFFF),
    "udta too short.m4a": lambda: _mp4(b"udta", 4),
    "text too long.wav": lambda: _wav(_list(b"INFOINAM\xff\xff\xff\x7fT\0", 14)),
    "list behind.wav": lambda: _wav(after=_list(INFO, 0x7FFFFFFF)),
    "list too small.wav": lambda: _wav(_list(INFO, 4)),
}  # fmt: skip
# What stands before the damage is read. (The comments of FLAC know where they end.)
WITH_TITLE = {
    "too many stated.ogg", "too many stated.opus", "too many stated.flac", "no framing bit.ogg", "block too large.flac",
    "block too small.flac", "picture.flac", "cue sheet.flac", "larger than the file.mp3", "before WavPack.wv",
    "text too long.wav", "list behind.wav",
}  # fmt: skip
REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "larger than the file.flac": (lambda: ID3[:6] + id3_size(200_000_000) + _flac(COMMENTS), "larger than the file"),
    "before Ogg.ogg": (lambda: ID3 + encoded("ogg", "vorbis"), "remove the tag"),
    "before MP4.m4a": (lambda: ID3 + encoded("m4a", "aac"), "remove the tag"),
    "before WAV.wav": (lambda: ID3 + tone_bytes(".wav"), "remove the tag"),
    "before WMA.wma": (lambda: ID3 + tone_bytes(".wma"), "remove the tag"),
    "list too large.wav": (lambda: _wav(_list(INFO, 0x7FFFFFFF)), "a chunk before has a wrong size"),
}


@pytest.mark.parametrize("name", FILES)
def test_broken_tags_do_not_make_the_music_unreadable(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_bytes(FILES[name]())
    content = read_file(str(file))
    assert content.sound.duration == pytest.approx(1.0, abs=0.1)
    assert (content.tags.get("title") == ["T"]) == (name in WITH_TITLE)
    assert np.isfinite(analyse(str(file)).vector).all()


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_past_is_told(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    data, reason = REFUSED[name]
    file.write_bytes(data())
    with pytest.raises(UnreadableAudioError, match=reason):
        read_file(str(file))


NO_WHOLE_FRAME = {(".mp2", 0.01), (".wma", 0.01)}  # the encoder gives none


@pytest.mark.parametrize(
    ("suffix", "seconds"), sorted({(s, n) for s in CODECS for n in (0.01, 0.05, 0.1, 0.5)} - NO_WHOLE_FRAME)
)
def test_a_short_sound_has_a_vector(tmp_path: Path, suffix: str, seconds: float) -> None:
    file = str(tone(tmp_path / f"x{suffix}", seconds))
    assert 0 < read_file(file).sound.duration < seconds + 0.1
    analysis = analyse(file)
    assert np.isfinite(analysis.vector).all()
    assert analysis.bpm is None
