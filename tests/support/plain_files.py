"""Sound in the common formats, and the parts of their files byte by byte: what encoders and taggers write seldom."""

import struct
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np

_FORMATS = {"m4a": "ipod", "opus": "opus", "ogg": "ogg", "mp3": "mp3", "flac": "flac"}
_ENCODINGS = ("latin-1", "utf-16", "utf-16-be", "utf-8")  # by the encoding byte of ID3
MPEG_FRAME = bytes.fromhex("fffb9064")  # MPEG 1, layer III, 128 kbit/s, 44.1 kHz, joint stereo
MPEG_FRAME_BYTES = 417


@cache
def encoded(
    suffix: str,
    codec: str,
    rate: int = 44100,
    layout: str = "stereo",
    seconds: float = 0.3,
    *,
    sample_format: str = "",
    movflags: str = "",
    **options: str,
) -> bytes:
    """Return a file with a tone: its suffix without the dot, the codec as FFmpeg calls it, sample rate in Hz.

    Without a sample format it is the codec's first one.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder, f"x.{suffix}")
        container = {"fflags": "+bitexact", **({"movflags": movflags} if movflags else {})}  # the same in each run
        with av.open(str(path), "w", format=_FORMATS[suffix], options=container) as output:
            stream = output.add_stream(codec, rate=rate, layout=layout, options={"strict": "experimental", **options})
            context = stream.codec_context
            sample_format = sample_format or (context.codec.audio_formats or ())[0].name
            context.format = sample_format
            size = context.frame_size or 1024
            resampler = av.AudioResampler(format=sample_format, layout=layout, rate=rate)
            tone = (np.sin(np.arange(int(seconds * rate)) * (2 * np.pi * 440 / rate)) * 2000).astype(np.int16)
            for start in range(0, tone.size, size):
                part = tone[start : start + size].repeat(len(context.layout.channels)).reshape(1, -1)
                frame = av.AudioFrame.from_ndarray(part, format="s16", layout=layout)
                frame.rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
                for ready in resampler.resample(frame):
                    output.mux(stream.encode(ready))
            output.mux(stream.encode(None))
        return path.read_bytes()


def id3_size(size: int) -> bytes:
    """Return a size with seven bits in each byte."""
    return bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))


def id3_frame(name: str, data: bytes, version: int, flags: int = 0) -> bytes:
    """Return an ID3 frame."""
    size = id3_size(len(data)) if version == 4 else len(data).to_bytes(4, "big")
    return name.encode() + size + flags.to_bytes(2, "big") + data


def id3_tag(frames: Sequence[bytes], version: int, padding: int = 0, flags: int = 0) -> bytes:
    """Return an ID3v2.3 or ID3v2.4 tag."""
    body = b"".join(frames) + bytes(padding)
    return b"ID3" + bytes([version, 0, flags]) + id3_size(len(body)) + body


def id3_text(texts: Sequence[str], encoding: int, *, end: str = "") -> bytes:
    """Return the encoding byte and texts with NUL between them; `end` comes after the last."""
    codec = _ENCODINGS[encoding]
    return (
        bytes([encoding])
        + "\0".encode(codec if encoding != 1 else "utf-16-le").join(text.encode(codec) for text in texts)
        + end.encode(codec if encoding != 1 else "utf-16-le")
    )


def mpeg(frames: int = 20, first: bytes = b"") -> bytes:
    """Return silent MPEG frames of 128 kbit/s behind a first one that begins with these bytes, if there are any."""
    silence = MPEG_FRAME + bytes(MPEG_FRAME_BYTES - len(MPEG_FRAME))
    return first.ljust(MPEG_FRAME_BYTES, b"\0") + silence * frames if first else silence * frames


def vbri_frame(frames: int, size: int, entries: int = 4, entry_bytes: int = 2) -> bytes:
    """Return the beginning of a frame with a VBRI header."""
    header = b"VBRI" + struct.pack(">HHHIIHHHH", 1, 0, 75, size, frames, entries, 1, entry_bytes, 5)
    return MPEG_FRAME + bytes(32) + header + bytes(entries * entry_bytes)


def xing_frame(frames: int, size: int, encoder: bytes = b"LAME3.100", delays: tuple[int, int] = (576, 1000)) -> bytes:
    """Return the beginning of a frame with an Info header of LAME."""
    lame = encoder.ljust(9, b"\0") + bytes(12) + (delays[0] << 12 | delays[1]).to_bytes(3, "big") + bytes(12)
    return MPEG_FRAME + bytes(32) + b"Info" + struct.pack(">III", 15, frames, size) + bytes(100) + bytes(4) + lame


def id3v1(title: bytes = b"Title", comment: bytes = b"Comment", track: int = 0, genre: int = 255) -> bytes:
    """Return an ID3v1 tag."""
    fields = (title, 30), (b"Artist", 30), (b"Album", 30), (b"1999", 4), (comment, 28 if track else 30)
    text = b"".join(field.ljust(size, b"\0")[:size] for field, size in fields)
    return b"TAG" + text + (bytes([0, track]) if track else b"") + bytes([genre])


def vorbis_comments(comments: Sequence[bytes], vendor: bytes = b"vendor") -> bytes:
    """Return a block of Vorbis comments."""
    parts = [struct.pack("<I", len(part)) + part for part in (vendor, *comments)]
    return parts[0] + struct.pack("<I", len(comments)) + b"".join(parts[1:])


def flac_with(flac: bytes, blocks: Sequence[tuple[int, bytes]]) -> bytes:
    """Return a FLAC file with these metadata blocks behind STREAMINFO instead of its own."""
    position, is_last = 4, False
    while not is_last:
        is_last = bool(flac[position] & 0x80)
        position += 4 + int.from_bytes(flac[position + 1 : position + 4], "big")
    headers = [(0, flac[8:42]), *blocks]
    data = [bytes([kind | (0x80 if index == len(blocks) else 0)]) + len(body).to_bytes(3, "big") + body
            for index, (kind, body) in enumerate(headers)]  # fmt: skip
    return b"fLaC" + b"".join(data) + flac[position:]


def flac_picture(size: int) -> bytes:
    """Return a PICTURE block of a JPEG of so many bytes."""
    media_type = b"image/jpeg"
    return struct.pack(">II", 3, len(media_type)) + media_type + bytes(20) + struct.pack(">I", size) + bytes(size)


def box(name: bytes, content: bytes) -> bytes:
    """Return a box of MP4."""
    return struct.pack(">I4s", 8 + len(content), name) + content


def data_box(value: bytes, kind: int = 1) -> bytes:
    """Return a data box of a tag."""
    return box(b"data", struct.pack(">II", kind, 0) + value)


def mp4_with(mp4: bytes, tags: Mapping[bytes, bytes] | Sequence[tuple[bytes, bytes]], *, after: bytes = b"") -> bytes:
    """Return an MP4 file whose moov box is its last, with these boxes as tags instead of its own.

    `after` are more boxes of udta.
    """
    boxes = dict(_top(mp4))
    pairs = tags.items() if isinstance(tags, Mapping) else tags
    ilst = box(b"ilst", b"".join(box(name, content) for name, content in pairs))
    handler = box(b"hdlr", bytes(8) + b"mdirappl" + bytes(9))
    udta = box(b"udta", box(b"meta", bytes(4) + handler + ilst) + after)
    moov = b"".join(box(name, content) for name, content in _top(boxes[b"moov"]) if name != b"udta") + udta
    return b"".join(box(name, content) for name, content in _top(mp4) if name != b"moov") + box(b"moov", moov)


def _top(data: bytes) -> list[tuple[bytes, bytes]]:
    found, position = [], 0
    while position < len(data):
        size, name = struct.unpack_from(">I4s", data, position)
        found.append((name, data[position + 8 : position + size]))
        position += size
    return found
