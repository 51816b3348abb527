"""Ogg files of one sound stream, and FLAC: Vorbis comments and stream properties by mutagen."""

import base64
import binascii
import os
from collections.abc import Iterable
from typing import Any, BinaryIO

from mutagen.flac import Picture
from mutagen.flac import error as FLACError  # noqa: N812 - mutagen's own name is lower-case
from mutagen.oggflac import OggFLAC
from mutagen.oggopus import OggOpus
from mutagen.oggspeex import OggSpeex
from mutagen.oggvorbis import OggVorbis

from soniquebay.audio.reading.flac_length import last_sample
from soniquebay.audio.reading.limited_file import limited
from soniquebay.audio.reading.ogg_length import chained_duration, last_serial
from soniquebay.audio.reading.raw import RawContent, Sound
from soniquebay.audio.reading.vorbis_comments import LimitedFLAC, limited_comments

_PICTURE_BLOCK = "metadata_block_picture"
_PICTURES = {_PICTURE_BLOCK, "coverart"}
_MAX_READS = 30_000  # of pages and blocks before the sound: a picture has thousands of small pages
_FRONT_COVER = 3  # picture type in ID3 and FLAC
_OGG_TAIL_BYTES = 1 << 14  # most pages have some 4 KiB
_FLAC_TAIL_BYTES = (1 << 17, 1 << 21)  # a frame of 24 bits, 192 kHz and 8 channels may be larger than the first

# The first packet's beginning: the reader, what the format is called, its codec.
_STREAMS: tuple[tuple[bytes, Any, str, str], ...] = (
    (b"\x01vorbis", OggVorbis, "Ogg Vorbis", "Vorbis"),
    (b"OpusHead", OggOpus, "Opus", "Opus"),
    (b"\x7fFLAC", OggFLAC, "Ogg FLAC", "FLAC"),
    (b"Speex   ", OggSpeex, "Speex", "Speex"),
)


def read_ogg(file: BinaryIO, header: bytes, size: int) -> RawContent | None:
    """Return what an Ogg file says; None if no stream of a known codec begins in its first bytes."""
    stream = next((entry for entry in _STREAMS if entry[0] in header), None)
    if stream is None:
        return None
    _, kind, name, codec = stream
    # The steps of mutagen's own `load`, for the position after the comments.
    beginning = limited(file, _MAX_READS)
    info = kind._Info(beginning)
    comments = limited_comments(kind._Tags)(beginning, info)
    sound_start = file.tell()
    info._post_tags(file)
    tags, has_picture = vorbis_tags(comments)
    length = info.length
    tail = os.pread(file.fileno(), _OGG_TAIL_BYTES, max(0, size - _OGG_TAIL_BYTES))
    if last_serial(tail) not in {info.serial, None}:
        length = chained_duration(file.fileno(), size) or length
    bit_rate = round(8 * (size - sound_start) / length) if length > 0 else None
    rate = 48000 if codec == "Opus" else info.sample_rate  # RFC 7845: always 48 kHz
    depth = info.bits_per_sample if codec == "FLAC" else None
    sound = Sound(name, codec, length, bit_rate, rate or None, info.channels or None, depth)
    return RawContent("vorbis", tags, sound, has_picture)


def vorbis_tags(comments: Iterable[tuple[str, str]]) -> tuple[dict[str, list[str]], bool]:
    """Return Vorbis comments by name in lower case, and whether one is a picture."""
    tags: dict[str, list[str]] = {}
    for name, value in comments:
        tags.setdefault(name.lower(), []).append(value)
    has_picture = not _PICTURES.isdisjoint(tags)
    for name in _PICTURES & tags.keys():
        del tags[name]
    return tags, has_picture


def ogg_pictures(file: BinaryIO, header: bytes) -> list[tuple[int, bytes]]:
    """Return type and data of the pictures in the comments of an Ogg file."""
    stream = next((entry for entry in _STREAMS if entry[0] in header), None)
    if stream is None:
        return []
    _, kind, _, _ = stream
    beginning = limited(file, _MAX_READS)
    return _comment_pictures(limited_comments(kind._Tags)(beginning, kind._Info(beginning)))


def flac_pictures(file: BinaryIO) -> list[tuple[int, bytes]]:
    """Return type and data of the pictures in a FLAC file."""
    audio: Any = LimitedFLAC(limited(file, _MAX_READS))
    return [(picture.type, picture.data) for picture in audio.pictures if picture.data] + _comment_pictures(
        audio.tags or ()
    )


def _comment_pictures(comments: Iterable[tuple[str, str]]) -> list[tuple[int, bytes]]:
    """Return type and data of each METADATA_BLOCK_PICTURE, and of each COVERART, its predecessor."""
    pictures = []
    for name, value in comments:
        if name.lower() not in _PICTURES:
            continue
        try:
            data = base64.b64decode(value)
            picture = Picture(data) if name.lower() == _PICTURE_BLOCK else None
        except (binascii.Error, ValueError, FLACError):
            continue  # the next one may be intact
        pictures.append((picture.type, picture.data) if picture else (_FRONT_COVER, data))
    return pictures


def read_flac(file: BinaryIO, size: int) -> RawContent:
    """Return what a FLAC file says. A length that its header does not tell is measured."""
    audio: Any = LimitedFLAC(limited(file, _MAX_READS))
    info = audio.info
    tags, has_picture = vorbis_tags(audio.tags) if audio.tags else ({}, False)
    duration, bit_rate = info.length, info.bitrate
    if not info.total_samples:
        duration = _measured_length(file, size, info)
        bit_rate = round(8 * size / duration) if duration > 0 else 0
    if audio.cuesheet is not None and "cuesheet" not in tags:
        tags["cuesheet"] = [_cue_text(audio.cuesheet, info.sample_rate)]
    sound = Sound(
        "FLAC", "FLAC", duration, bit_rate or None, info.sample_rate or None, info.channels, info.bits_per_sample
    )
    return RawContent("vorbis", tags, sound, has_picture or any(picture.data for picture in audio.pictures))


def _measured_length(file: BinaryIO, size: int, info: Any) -> float:
    for tail_bytes in _FLAC_TAIL_BYTES:
        tail = os.pread(file.fileno(), min(tail_bytes, size), max(0, size - tail_bytes))
        samples = last_sample(tail, info.sample_rate, info.max_blocksize)
        if samples:
            return float(samples / info.sample_rate)
    return 0.0


def _cue_text(sheet: Any, sample_rate: int) -> str:
    """Return a CUESHEET block (RFC 9639, section 8.7) as the text of a cue sheet."""
    lines = ['FILE "" WAVE']
    for track in sheet.tracks:
        if track.track_number in {170, 255}:
            continue  # the lead-out
        lines.append(f"  TRACK {track.track_number:02} AUDIO")
        if isrc := track.isrc.strip(b"\0").decode("ascii", "replace"):
            lines.append(f"    ISRC {isrc}")
        for index in track.indexes:
            frames = (track.start_offset + index.index_offset) * 75 // max(sample_rate, 1)
            lines.append(
                f"    INDEX {index.index_number:02} {frames // 4500:02}:{frames // 75 % 60:02}:{frames % 75:02}"
            )
    return "\n".join(lines)
