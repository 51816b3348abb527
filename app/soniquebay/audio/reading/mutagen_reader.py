"""Reads every format: most of it with mutagen, what mutagen leaves out by the modules beside this one."""

import io
import math
import struct
from collections.abc import Callable
from typing import Any, BinaryIO

from mutagen.aac import AACInfo
from mutagen.ac3 import AC3Info
from mutagen.aiff import AIFFInfo
from mutagen.dsdiff import DSDIFFInfo
from mutagen.dsf import DSFFile, DSFInfo
from mutagen.monkeysaudio import MonkeysAudioInfo
from mutagen.mp3 import MPEGInfo
from mutagen.musepack import MusepackInfo
from mutagen.wavpack import WavPackInfo

from soniquebay.audio.reading.ape import TAIL_BYTES, ape_bytes, may_have_ape, read_ape
from soniquebay.audio.reading.asf import read_asf
from soniquebay.audio.reading.chunks import chunks
from soniquebay.audio.reading.demuxed import demuxed_duration
from soniquebay.audio.reading.errors import UnreadableAudioError
from soniquebay.audio.reading.id3 import ID3V1_BYTES, id3v1_in, read_id3v2
from soniquebay.audio.reading.matroska import read_matroska
from soniquebay.audio.reading.mp4 import read_mp4
from soniquebay.audio.reading.mpeg import measure_adts, measure_mpeg
from soniquebay.audio.reading.ogg import read_flac, read_ogg
from soniquebay.audio.reading.raw import RawContent, RawTags, Sound
from soniquebay.audio.reading.source import Kind, Source, opened
from soniquebay.audio.reading.wav import read_wav

_OGG_HEADER_BYTES = 4096  # the first pages of several streams
_MAX_ID3_BYTES = 1 << 26
_MAX_TEXT_BYTES = 1 << 16  # of a chunk that holds one text
# A Xing header states bytes and frames. Further from what is there than this, the file was cut or joined after it.
_VBRI = "FhG"  # what mutagen says of a file with a VBRI header, and of no other
_STATED_SHARE = 0.02
_STATED_BYTES = 4096
_MUSIC_SUFFIXES = {".m4a", ".m4b", ".m4r", ".wma"}  # a video with such a name is meant as music


def read_raw(path: str) -> RawContent:
    """Return what the file at `path` (Python's file-system string) says; its duration is more than 0.

    Raises `UnavailableFileError` when the file cannot be read, and `UnreadableAudioError` when it is not audio, is
    encrypted, or has no sound.
    """
    with opened(path) as source:
        raw = _READERS[source.kind](source)
    is_unknown_wav = source.kind == "wav" and raw.sound.bit_rate is None
    if raw.sound.duration <= 0 and (source.kind in _DEMUXED or is_unknown_wav):
        raw.sound.duration = demuxed_duration(path)
    if not 0 < raw.sound.duration < math.inf:
        raise UnreadableAudioError("contains no audio: its duration is zero")
    return raw


def _read_mp4(source: Source) -> RawContent:
    return read_mp4(source.file, source.size, may_be_video=source.suffix not in _MUSIC_SUFFIXES)


def _read_asf(source: Source) -> RawContent:
    return read_asf(source.file, source.size, may_be_video=source.suffix not in _MUSIC_SUFFIXES)


def _read_matroska(source: Source) -> RawContent:
    return read_matroska(source.descriptor, source.size)


def _read_wav(source: Source) -> RawContent:
    if source.header[:4] != b"riff" and source.header[8:12] != b"WAVE":
        raise UnreadableAudioError("not a supported audio format")
    return read_wav(source.descriptor, source.header, source.size)


def _read_flac(source: Source) -> RawContent:
    raw = read_flac(source.file, source.size)
    if source.start:
        source.file.seek(0)
        tag, has_picture = read_id3v2(source.file)
        raw.has_picture = raw.has_picture or has_picture
        raw.fallbacks = (tag,) if tag else ()
    return raw


def _read_ogg(source: Source) -> RawContent:
    header = source.read_at(source.start, _OGG_HEADER_BYTES)
    if b"\x80theora" in header:
        raise UnreadableAudioError("holds video, not music")
    raw = read_ogg(source.file, header, source.size)
    if raw is None:
        raise UnreadableAudioError("not a supported audio format")
    return raw


def _read_mpeg(source: Source) -> RawContent:
    tags, has_picture, end = _tags_around(source)
    info: Any = MPEGInfo(source.file, source.start)
    first_frame = info.frame_offset
    duration, bit_rate = info.length, info.bitrate
    there = max(0, end - first_frame)
    is_estimate = info.encoder_info != _VBRI and math.isclose(duration * bit_rate, 8 * (source.size - first_frame))
    stated = duration * bit_rate / 8
    if duration <= 0 or is_estimate or abs(there - stated) > _STATED_SHARE * there + _STATED_BYTES:
        stream = measure_mpeg(source.descriptor, first_frame, end)
        if stream is not None and stream.duration > 0:
            duration, bit_rate = stream.duration, round(8 * stream.size / stream.duration)
    name = f"MP{info.layer}"
    sound = Sound(name, name, duration, bit_rate or None, info.sample_rate, info.channels)
    return _with_tags(tags, sound, has_picture)


def _read_aac(source: Source) -> RawContent:
    tags, has_picture, end = _tags_around(source)
    if source.header.startswith(b"ADIF"):
        info: Any = AACInfo(source.file)
        sound = Sound("AAC", "AAC", info.length, info.bitrate or None, info.sample_rate or None, info.channels or None)
        return _with_tags(tags, sound, has_picture)
    stream = measure_adts(source.descriptor, source.start, end)
    if stream is None:
        return _read_mpeg(source)  # as some MP3 files are named, too
    bit_rate = round(8 * stream.size / stream.duration)
    sound = Sound("AAC", "AAC", stream.duration, bit_rate, stream.sample_rate, stream.channels)
    return _with_tags(tags, sound, has_picture)


def _read_ac3(source: Source) -> RawContent:
    tags, has_picture, end = _tags_around(source)
    # AC3Info reads from the first byte of a file on.
    info: Any = AC3Info(source.file if not source.start else _from(source))
    name = {"ac-3": "AC-3", "ec-3": "E-AC-3"}.get(info.codec, "AC-3")
    # Not info.length, which counts the tags, too.
    duration = 8 * (end - source.start) / info.bitrate if info.bitrate else 0.0
    sound = Sound(name, name, duration, info.bitrate or None, info.sample_rate or None, info.channels or None)
    return _with_tags(tags, sound, has_picture)


def _from(source: Source) -> BinaryIO:
    """Return the first bytes behind the ID3 tag as a file of its own."""
    return io.BytesIO(source.header)


def _read_wavpack(source: Source) -> RawContent:
    source.file.seek(source.start)
    info: Any = WavPackInfo(source.file)
    return _ape_tagged(source, "WavPack", info)


def _read_monkeys_audio(source: Source) -> RawContent:
    source.file.seek(source.start)
    info: Any = MonkeysAudioInfo(source.file)
    return _ape_tagged(source, "Monkey's Audio", info)


def _read_musepack(source: Source) -> RawContent:
    info: Any = MusepackInfo(source.file)
    return _ape_tagged(source, "Musepack", info)


def _ape_tagged(source: Source, name: str, info: Any) -> RawContent:
    duration = info.length
    bit_rate = round(8 * (source.size - source.start) / duration) if duration > 0 else None
    depth = getattr(info, "bits_per_sample", None) or None
    sound = Sound(name, name, duration, bit_rate, info.sample_rate or None, int(info.channels) or None, depth)
    tags, has_picture, _ = _tags_around(source)
    tags.sort(key=lambda tag: tag.system != "ape")  # their own system first
    return _with_tags(tags, sound, has_picture)


def _read_true_audio(source: Source) -> RawContent:
    # "TTA1 file format": format, channels, bits, sample rate, samples
    _, channels, bits, rate, samples = struct.unpack_from("<HHHII", source.header, 4)
    duration = samples / rate if rate else 0.0
    bit_rate = round(8 * (source.size - source.start) / duration) if duration > 0 else None
    tags, has_picture, _ = _tags_around(source)
    sound = Sound("TTA", "TTA", duration, bit_rate, rate or None, channels or None, bits or None)
    return _with_tags(tags, sound, has_picture)


def _read_dsf(source: Source) -> RawContent:
    dsf: Any = DSFFile(source.file)
    info: Any = DSFInfo(dsf.fmt_chunk)
    sound = Sound("DSF", "DSD", info.length, info.bitrate, info.sample_rate, info.channels, 1)
    source.file.seek(dsf.dsd_chunk.offset_metdata_chunk)
    tag, has_picture = read_id3v2(source.file) if dsf.dsd_chunk.offset_metdata_chunk else (None, False)
    return _with_tags([tag] if tag else [], sound, has_picture)


def _read_dsdiff(source: Source) -> RawContent:
    info: Any = DSDIFFInfo(source.file)
    sound = Sound("DSDIFF", info.compression, info.length, round(info.bitrate), info.sample_rate, info.channels, 1)
    return _with_chunk_tags(source, sound, 16, ">Q", {})


def _read_aiff(source: Source) -> RawContent:
    info: Any = AIFFInfo(source.file)
    sound = Sound(
        "AIFF", "PCM", info.length, info.bitrate or None, info.sample_rate or None, info.channels, info.sample_size
    )
    return _with_chunk_tags(source, sound, 12, ">I", {b"NAME": "inam", b"AUTH": "iart", b"ANNO": "icmt"})


def _with_chunk_tags(source: Source, sound: Sound, start: int, size_format: str, texts: dict[bytes, str]) -> RawContent:
    """Return a file of chunks with its ID3 chunk, behind which stand chunks that hold one text each."""
    tag, has_picture = None, False
    others = RawTags("riff", {})
    for name, offset, stated in chunks(source.descriptor, start, source.size, size_format):
        there = max(0, min(stated, source.size - offset, _MAX_ID3_BYTES))
        if name == b"ID3 " and tag is None:
            tag, has_picture = read_id3v2(io.BytesIO(source.read_at(offset, there)))
        elif name in texts and there:
            text = source.read_at(offset, min(there, _MAX_TEXT_BYTES)).partition(b"\0")[0].decode("latin-1")
            others.tags.setdefault(texts[name], []).append(text)
            if not text.isascii():
                others.latin1.add(texts[name])
    return _with_tags([found for found in (tag, others) if found is not None], sound, has_picture)


def _tags_around(source: Source) -> tuple[list[RawTags], bool, int]:
    """Return ID3v2 before the sound, APEv2 and ID3v1 behind it, whether one has a picture, and where the sound ends."""
    tags: list[RawTags] = []
    has_picture = has_ape_picture = False
    if source.start:
        source.file.seek(0)
        id3v2, has_picture = read_id3v2(source.file)
        tags += [id3v2] if id3v2 else []
    tail = source.read_at(max(0, source.size - TAIL_BYTES), TAIL_BYTES)
    id3v1 = id3v1_in(tail)
    end = source.size - (ID3V1_BYTES if id3v1 else 0)
    if may_have_ape(tail):
        end = max(source.start, end - ape_bytes(tail))
        ape, has_ape_picture = read_ape(source.file)
        tags += [ape] if ape else []
    source.file.seek(0)
    tags += [id3v1] if id3v1 else []
    return tags, has_picture or has_ape_picture, end


def _with_tags(tags: list[RawTags], sound: Sound, has_picture: bool) -> RawContent:
    first = tags[0] if tags else RawTags("id3", {})
    return RawContent(first.system, first.tags, sound, has_picture, first.latin1, tuple(tags[1:]))


_READERS: dict[Kind, Callable[[Source], RawContent]] = {
    "aac": _read_aac,
    "ac3": _read_ac3,
    "aiff": _read_aiff,
    "ape": _read_monkeys_audio,
    "asf": _read_asf,
    "dsdiff": _read_dsdiff,
    "dsf": _read_dsf,
    "flac": _read_flac,
    "matroska": _read_matroska,
    "mp4": _read_mp4,
    "mpeg": _read_mpeg,
    "musepack": _read_musepack,
    "ogg": _read_ogg,
    "tta": _read_true_audio,
    "wav": _read_wav,
    "wavpack": _read_wavpack,
}
# The others are measured where they are read.
_DEMUXED = frozenset({"ac3", "aiff", "asf", "dsdiff", "matroska", "ogg", "tta"})
