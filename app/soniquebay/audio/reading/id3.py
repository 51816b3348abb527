"""ID3v2 and ID3v1 tags: the frames by mutagen, as `raw.RawContent` describes them."""

import re
from collections.abc import Callable, Iterable
from typing import Any, BinaryIO

import mutagen
from mutagen import id3 as frames_of

from soniquebay.audio.reading.id3_frames import TEXT_FRAME, read_frames
from soniquebay.audio.reading.raw import RawTags

ID3V1_BYTES = 128
_LATIN1 = 0  # the encoding byte (ID3v2.4 structure, section 4)
_MILLISECONDS = 2  # time stamp format of SYLT
_LYRICS = 1  # content type of SYLT
_YEAR = re.compile(r"\d{4}")
_DAY_AND_MONTH = re.compile(r"(\d\d)(\d\d)")
ID3_HEADER_BYTES = 10


def tag_size(header: bytes) -> int:
    """Return the size in bytes of the ID3v2 tag that begins with these ten bytes; 0 if none does."""
    if len(header) < ID3_HEADER_BYTES or header[:3] != b"ID3":
        return 0
    size = 0
    for byte in header[6:10]:
        size = size << 7 | byte & 0x7F
    footer = ID3_HEADER_BYTES if header[5] & 0x10 else 0
    return ID3_HEADER_BYTES + size + footer


def read_id3v2(file: BinaryIO) -> tuple[RawTags | None, bool]:
    """Return the ID3v2 tag at the position of a file, if one can be read, and whether it has a picture."""
    try:
        return _raw_tags(read_frames(file))
    except mutagen.MutagenError:
        return None, False  # a broken tag does not make the music unreadable


def id3v2_pictures(file: BinaryIO) -> list[tuple[int, bytes]]:
    """Return type and data of the pictures in the ID3v2 tag at the position of a file."""
    try:
        pictures: list[Any] = [frame for frame in read_frames(file) if isinstance(frame, frames_of.APIC)]
    except mutagen.MutagenError:
        return []
    return [(int(picture.type), bytes(picture.data)) for picture in pictures]


def _raw_tags(frames: Iterable[Any]) -> tuple[RawTags, bool]:
    tags: dict[str, list[str]] = {}
    latin1: set[str] = set()
    has_picture = False
    for frame in frames:
        if isinstance(frame, frames_of.APIC):
            has_picture = True
            continue
        entry = _entry(frame)
        if entry is None:
            continue
        key, values = entry
        if key in tags:
            tags[key] += values
        else:
            tags[key] = values
        if getattr(frame, "encoding", None) == _LATIN1 and not all(map(str.isascii, values)):
            latin1.add(key)
    join_dates(tags)
    return RawTags("id3", tags, latin1), has_picture


def _entry(frame: Any) -> tuple[str, list[str]] | None:
    """Return key and values of a frame; None for one that holds no tag."""
    name = frame.FrameID
    reader = _OTHERS.get(name)
    if reader is not None:
        return reader(frame)
    return (name, [str(text) for text in frame.text]) if isinstance(frame, TEXT_FRAME) else None


def _described(frame: Any) -> tuple[str, list[str]]:
    return f"{frame.FrameID}:{frame.desc}" if frame.desc else frame.FrameID, list(frame.text)


def _people(frame: Any) -> tuple[str, list[str]]:
    return frame.FrameID, [str(text) for pair in frame.people for text in pair]


def _lrc(frame: Any) -> tuple[str, list[str]] | None:
    if frame.format != _MILLISECONDS or frame.type != _LYRICS:
        return None
    lines: list[str] = []
    has_line_ends = any("\n" in text for text, _ in frame.text)
    for text, milliseconds in frame.text:
        if lines and has_line_ends and not text.startswith("\n"):
            lines[-1] += text  # a syllable; the next line begins with a line feed
            continue
        minutes, rest = divmod(milliseconds // 10, 6000)
        lines.append(f"[{minutes:02}:{rest // 100:02}.{rest % 100:02}]{text.lstrip()}")
    return "SYLT", ["\n".join(line.rstrip() for line in lines)]


_OTHERS: dict[str, Callable[[Any], tuple[str, list[str]] | None]] = {
    "TXXX": _described,
    "COMM": _described,
    "TIPL": _people,
    "TMCL": _people,
    "IPLS": _people,
    "USLT": lambda frame: ("USLT", [frame.text]),
    "SYLT": _lrc,
    "UFID": lambda frame: (f"UFID:{frame.owner}", [frame.data.decode("ascii", "replace")]),
    "POPM": lambda frame: (f"POPM:{frame.email}", [f"{frame.rating}/{getattr(frame, 'count', 0)}"]),
    "PCNT": lambda frame: ("PCNT", [str(frame.count)]),
    "RVA2": lambda frame: (f"RVA2:{frame.desc}", [f"{frame.gain:+.2f} dB/{frame.peak:.6f}"]),
}


def join_dates(tags: dict[str, list[str]]) -> None:
    """Make TDRC of the TYER, TDAT and TIME of ID3v2.3 ("2004-05-21T18:30"), unless there is a TDRC."""
    years = tags.get("TYER")
    if not years or "TDRC" in tags or not _YEAR.fullmatch(years[0].strip()):
        return
    date = years[0].strip()
    day = _DAY_AND_MONTH.fullmatch("".join(tags.get("TDAT", ())[:1]).strip())
    if day:
        date += f"-{day[2]}-{day[1]}"
        time = _DAY_AND_MONTH.fullmatch("".join(tags.get("TIME", ())[:1]).strip())
        if time:
            date += f"T{time[1]}:{time[2]}"
    tags["TDRC"] = [date, *years[1:]]
    for old in ("TYER", "TDAT", "TIME"):
        tags.pop(old, None)


def id3v1_in(tail: bytes) -> RawTags | None:
    """Return the ID3v1 or ID3v1.1 tag in the last bytes of a file; None if there is none (id3.org, "ID3v1")."""
    tag = tail[-ID3V1_BYTES:]
    if len(tag) < ID3V1_BYTES or not tag.startswith(b"TAG") or tail[-ID3V1_BYTES - 3 :].startswith(b"APETAGEX"):
        return None
    fields = {"TIT2": tag[3:33], "TPE1": tag[33:63], "TALB": tag[63:93], "TDRC": tag[93:97], "COMM": tag[97:127]}
    if tag[125] == 0 and tag[126]:
        fields["COMM"] = tag[97:125]
        fields["TRCK"] = b"%d" % tag[126]
    if tag[127] != 0xFF:
        fields["TCON"] = b"%d" % tag[127]
    tags = {key: [text] for key, data in fields.items() if (text := data.partition(b"\0")[0].strip().decode("latin-1"))}
    return RawTags("id3", tags, {key for key, (text,) in tags.items() if not text.isascii()})
