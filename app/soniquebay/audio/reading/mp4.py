"""MP4 files: the tags and the properties of the sound by mutagen, the length of fragments by `mp4_length`."""

import os
from itertools import accumulate
from typing import Any, BinaryIO

import mutagen
from mutagen.mp4 import Atom, AtomError, Atoms, MP4FreeForm, MP4Info, MP4Tags

from soniquebay.audio.reading.errors import UnreadableAudioError
from soniquebay.audio.reading.limited_file import limited
from soniquebay.audio.reading.mp4_length import boxes_in_file, fragments_duration
from soniquebay.audio.reading.raw import RawContent, Sound

_CODECS = {
    "mp4a.40": "AAC",
    "mp4a.66": "AAC",
    "mp4a.67": "AAC",
    "mp4a.68": "AAC",
    "mp4a.69": "MP3",
    "mp4a.6B": "MP3",
    "mp4a.A5": "AC-3",
    "mp4a.A6": "E-AC-3",
    "mp4a.A9": "DTS",
    "mp4a": "AAC",
    "alac": "ALAC",
    "ac-3": "AC-3",
    "ec-3": "E-AC-3",
    "fLaC": "FLAC",
    "Opus": "Opus",
    ".mp3": "MP3",
}
_LOSSLESS = {"ALAC", "FLAC"}
_PROTECTED = {"drms", "enca"}
_VIDEO_CODECS = {
    b"avc1",
    b"avc2",
    b"avc3",
    b"hvc1",
    b"hev1",
    b"mp4v",
    b"av01",
    b"vp08",
    b"vp09",
    b"s263",
    b"dvh1",
    b"apcn",
}
_MAX_READS = 20_000  # of atoms in moov
_MAX_TAGS = 4_096
_MAX_TAG_BYTES = 1 << 20  # of all tags of a file, without the pictures
_NO_GENRE = b"data" + bytes(10)  # the last genre to mutagen
_TAG_CONTAINERS = {b"udta", b"meta"}
_PAIRS = {"trkn", "disk"}
_PICTURES = "covr"


def read_mp4(file: BinaryIO, size: int, *, may_be_video: bool) -> RawContent:
    """Return what an MP4 file says.

    Raises `UnreadableAudioError` when it is encrypted or has no sound, and when it holds video, unless its name says
    that it is music. A track of pictures for chapters is no video.
    """
    try:
        atoms = _Movie(file, size)
    except AtomError as error:
        raise UnreadableAudioError("not readable as audio: the file is damaged") from error
    info: Any = MP4Info(atoms, file)
    if info.codec[:4] in _PROTECTED:
        raise UnreadableAudioError("is protected against copying (FairPlay), so it cannot be played here")
    if may_be_video and _has_video(atoms, file):
        raise UnreadableAudioError("holds video, not music")
    duration = info.length
    if duration <= 0 or b"moov.mvex" in atoms:
        duration = fragments_duration(file.fileno(), size) or duration
    tags, has_picture = _tags(atoms, file)
    codec = _CODECS.get(info.codec[:7]) or _CODECS.get(info.codec[:4]) or info.codec or "unknown"
    sound = Sound(
        "M4A",
        codec,
        duration,
        info.bitrate if info.bitrate and codec != "ALAC" else _mean_bit_rate(file, size, duration),
        info.sample_rate or None,
        info.channels or None,
        (info.bits_per_sample or None) if codec in _LOSSLESS else None,
    )
    return RawContent("mp4", tags, sound, has_picture)


class _Movie(Atoms):
    """The moov atom of a file, the atoms of its tags as far as the limits. Its fragments are not looked at."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.atoms = []
        for name, start, length in boxes_in_file(file.fileno(), size):
            if name == b"moov":
                self.atoms = [_moov(limited(file, _MAX_READS), start, start + length)]
                break
        if b"moov.udta.meta.ilst" in self:
            tags = self[b"moov.udta.meta.ilst"].children
            del tags[_MAX_TAGS:]
            tags[:] = [atom for atom in tags if atom.name != b"gnre" or not atom.read(file)[1].endswith(_NO_GENRE)]
            ends = accumulate(0 if atom.name == _PICTURES.encode() else atom.datalength for atom in tags)
            del tags[sum(end <= _MAX_TAG_BYTES for end in ends) :]


def _moov(file: BinaryIO, start: int, end: int) -> Any:
    """Return the moov atom whose content lies between two positions; without its tags if these are broken."""
    try:
        return _atom(file, b"moov", start)
    except AtomError:
        moov = Atom.__new__(Atom)
    moov.name, moov.offset, moov.length, moov._dataoffset, moov.children = (
        b"moov",
        start - 8,
        end - start + 8,
        start,
        [],
    )
    for name, child_start, _ in boxes_in_file(file.fileno(), end, start):
        if name not in _TAG_CONTAINERS:
            moov.children.append(_atom(file, name, child_start))
    return moov


def _atom(file: BinaryIO, name: bytes, start: int) -> Any:
    """Return the atom whose content begins at a position."""
    is_long = os.pread(file.fileno(), 4, start - 4) != name  # a size of 64 bits stands behind the name
    file.seek(start - (16 if is_long else 8))
    return Atom(file, 0 if name == b"moov" else 1)


def _mean_bit_rate(file: BinaryIO, size: int, duration: float) -> int | None:
    """Return that of the data; what a header of ALAC states is another one in many files."""
    data_bytes = sum(length for name, _, length in boxes_in_file(file.fileno(), size) if name == b"mdat")
    return (round(8 * data_bytes / duration) or None) if duration > 0 else None


def _tags(atoms: Atoms, file: BinaryIO) -> tuple[dict[str, list[str]], bool]:
    """Return the tags, and whether there is a picture."""
    if b"moov.udta.meta.ilst" not in atoms:
        return {}, False
    try:
        written = MP4Tags(atoms, file)
    except mutagen.MutagenError:
        return {}, False  # broken tags do not make the music unreadable
    tags = {key: _texts(key, value) for key, value in written.items() if key != _PICTURES}
    return tags, bool(written.get(_PICTURES))


def _texts(key: str, value: Any) -> list[str]:
    if isinstance(value, bool):
        return [str(int(value))]
    values = value if isinstance(value, list) else [value]
    if key in _PAIRS:
        return [f"{number}/{total}" for number, total in values]
    return [bytes(text).decode("utf-8", "replace") if isinstance(text, MP4FreeForm) else str(text) for text in values]


def _has_video(atoms: Atoms, file: BinaryIO) -> bool:
    for trak in atoms[b"moov"].findall(b"trak"):
        try:
            stsd = trak[b"mdia", b"minf", b"stbl", b"stsd"]
        except KeyError:
            continue
        # 8 bytes of the box itself, 8 of version and count, 4 of the first entry's size, then its kind
        if os.pread(file.fileno(), 4, stsd.offset + 20) in _VIDEO_CODECS:
            return True
    return False


def mp4_pictures(file: BinaryIO) -> list[bytes]:
    """Return the pictures in an MP4 file."""
    atoms = _Movie(file, os.fstat(file.fileno()).st_size)
    if b"moov.udta.meta.ilst" not in atoms:
        return []
    return [bytes(cover) for cover in MP4Tags(atoms, file).get(_PICTURES, [])]
