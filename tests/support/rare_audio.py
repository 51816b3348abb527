"""Audio that PyAV does not encode or writes in another way: by hand, through a pipe, in fragments, without a header."""

import io
import struct
from fractions import Fraction
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import numpy as np
from mutagen.ogg import OggPage
from numpy.typing import NDArray

from tests.support.audio_files import tone

RATE_HZ = 44100
DSD_RATE_HZ = 2822400
_DSD_SILENCE = 0x69
_FRAME_SAMPLES = 1152


class _Pipe(io.RawIOBase):
    """A file that cannot seek, so that a muxer cannot go back to write the length."""

    def __init__(self) -> None:
        self.data = b""

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.data += data
        return len(data)


@cache
def tone_bytes(suffix: str, seconds: float = 1.0) -> bytes:
    """Return a tone in the format of a suffix, made once."""
    with TemporaryDirectory() as folder:
        return tone(Path(folder) / f"x{suffix}", seconds).read_bytes()


def sine(seconds: float) -> NDArray[np.int16]:
    """Return a sine of 440 Hz at `RATE_HZ`."""
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return (np.sin(2 * np.pi * 440 * t) * 9000).astype(np.int16)


def quiet_then_noise(quiet_seconds: float, noise_seconds: float) -> NDArray[np.int16]:
    """Return silence and then noise, which an encoder of variable bit rate gives very different rates."""
    noise = np.random.default_rng(7).integers(-16000, 16000, round(noise_seconds * RATE_HZ), np.int16)
    return np.concatenate([np.zeros(round(quiet_seconds * RATE_HZ), np.int16), noise])


def piped(samples: NDArray[np.int16], codec: str, container: str, muxer: dict[str, str] | None = None,
          encoder: dict[str, str] | None = None, *, to_file: bool = False) -> bytes:  # fmt: skip
    """Return samples, encoded in stereo, as a program writes them to a pipe (or to a file)."""
    pipe = io.BytesIO() if to_file else _Pipe()
    options = {"strict": "experimental", **(encoder or {})}
    with av.open(pipe, "w", format=container, options=muxer or {}) as output:
        stream = output.add_stream(codec, rate=RATE_HZ, layout="stereo", options=options)
        size = stream.codec_context.frame_size or _FRAME_SAMPLES
        for start in range(0, samples.size, size):
            part = np.repeat(samples[start : start + size], 2).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(part, format="s16", layout="stereo")
            frame.rate, frame.pts, frame.time_base = RATE_HZ, start, Fraction(1, RATE_HZ)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return pipe.data if isinstance(pipe, _Pipe) else pipe.getvalue()


@cache
def mp3_without_header(quiet_seconds: float = 2.0, noise_seconds: float = 8.0) -> bytes:
    """Return an MP3 of variable bit rate without a Xing header."""
    variable = {"global_quality": str(2 * 118), "flags": "+qscale"}
    samples = quiet_then_noise(quiet_seconds, noise_seconds)
    return piped(samples, "libmp3lame", "mp3", {"write_xing": "0", "id3v2_version": "0"}, variable)


@cache
def mp3_of_constant_rate(seconds: float = 3.0) -> bytes:
    """Return an MP3 of 128 kbit/s without a Xing header."""
    return piped(sine(seconds), "libmp3lame", "mp3", {"write_xing": "0", "id3v2_version": "0"})


def dsd_bits(sound: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return the single bits of a sound at `DSD_RATE_HZ` (sigma-delta modulation of the first order)."""
    steps = np.floor(np.cumsum((sound + 1) / 2, axis=1))
    return np.diff(steps, axis=1, prepend=0).astype(np.uint8)


def dsf(seconds: float = 1.0, bits: NDArray[np.uint8] | None = None) -> bytes:
    """Return a DSF file in stereo, silent or of `dsd_bits` ("DSF File Format Specification", version 1.01)."""
    block = 4096
    if bits is None:
        blocks = round(seconds * DSD_RATE_HZ / 8 / block)
        samples = blocks * block * 8
        data = bytes([_DSD_SILENCE]) * (2 * block * blocks)
    else:
        samples = bits.shape[1]
        packed = np.packbits(bits, axis=1, bitorder="little")
        packed = np.pad(packed, ((0, 0), (0, -packed.shape[1] % block)))
        data = packed.reshape(2, -1, block).swapaxes(0, 1).tobytes()
    form = b"fmt " + struct.pack("<QIIIIIIQII", 52, 1, 0, 2, 2, DSD_RATE_HZ, 1, samples, block, 0)
    body = b"data" + struct.pack("<Q", 12 + len(data)) + data
    return b"DSD " + struct.pack("<QQQ", 28, 28 + len(form) + len(body), 0) + form + body


def dsdiff(seconds: float = 1.0, bits: NDArray[np.uint8] | None = None) -> bytes:
    """Return a DSDIFF file in stereo, silent or of `dsd_bits`.

    "Direct Stream Digital Interchange File Format", version 1.5.
    """

    def chunk(name: bytes, content: bytes) -> bytes:
        return name + struct.pack(">Q", len(content)) + content + b"\0" * (len(content) % 2)

    properties = chunk(b"FS  ", struct.pack(">I", DSD_RATE_HZ)) + chunk(b"CHNL", struct.pack(">H", 2) + b"SLFTSRGT")
    properties += chunk(b"CMPR", b"DSD \x0enot compressed")
    if bits is None:
        sound = bytes([_DSD_SILENCE]) * (2 * round(seconds * DSD_RATE_HZ / 8))
    else:
        sound = np.packbits(bits, axis=1).T.tobytes()
    content = b"DSD " + chunk(b"FVER", b"\1\5\0\0") + chunk(b"PROP", b"SND " + properties) + chunk(b"DSD ", sound)
    return b"FRM8" + struct.pack(">Q", len(content)) + content


def monkeys_audio(seconds: float = 1.0) -> bytes:
    """Return the header of a Monkey's Audio file of version 3.99, and no sound."""
    blocks = 73728
    total = round(seconds * RATE_HZ)
    frames, last = divmod(total, blocks)
    descriptor = b"MAC " + struct.pack("<HHIIIIIII", 3990, 0, 52, 24, 0, 0, 0, 0, 0) + bytes(16)
    return descriptor + struct.pack("<HHIIIHHI", 2000, 0, blocks, last, frames + 1, 16, 2, RATE_HZ) + bytes(64)


def musepack(seconds: float = 1.0) -> bytes:
    """Return the packets of a Musepack file of stream version 8 that come before the sound."""
    samples = round(seconds * RATE_HZ)
    coded = bytes([0x80 | samples >> 14, 0x80 | samples >> 7 & 0x7F, samples & 0x7F])
    header = bytes(4) + b"\x08" + coded + b"\0" + b"\x0b\x10"  # 44.1 kHz, 2 channels
    gain = b"\1" + bytes(8)
    return b"MPCK" + b"SH" + bytes([3 + len(header)]) + header + b"RG" + bytes([3 + len(gain)]) + gain + b"SE\x03"


def speex(seconds: float = 1.0, comments: bytes = b"\0\0\0\0\0\0\0\0") -> bytes:
    """Return the pages of an Ogg Speex file with frames of silence."""
    rate, frame_samples = 32000, 640
    header = b"Speex   " + b"1.2".ljust(20, b"\0") + struct.pack(
        "<13i", 1, 80, rate, 2, 4, 1, -1, frame_samples, 0, 1, 0, 0, 0
    )  # fmt: skip
    frames = round(seconds * rate / frame_samples)
    pages = []
    for sequence, (packets, position) in enumerate(
        [([header], 0), ([comments], 0), ([b"\0"] * min(frames, 200), frames * frame_samples)]
    ):
        page = OggPage()
        page.serial, page.sequence, page.packets, page.position = 1, sequence, packets, position
        page.first, page.last = sequence == 0, sequence == 2
        pages.append(page.write())
    return b"".join(pages)
