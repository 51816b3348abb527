"""The formats that a sound can be transcoded to, and how many bytes it has then."""

import json
import math
from dataclasses import asdict, dataclass
from typing import Literal, Self

Format = Literal["opus", "mp3", "aac", "flac"]

MIN_BIT_RATE_KBITS = 32  # in stereo MP3 and AAC are noise below it
MAX_BIT_RATE_KBITS = 320  # the most that MP3 can have
DEFAULT_BIT_RATES_KBITS: dict[Format, int] = {"opus": 160, "mp3": 256, "aac": 192}  # no difference is heard
MEDIA_TYPES: dict[Format, str] = {
    "opus": "audio/ogg; codecs=opus",
    "mp3": "audio/mpeg",
    "aac": "audio/mp4",
    "flac": "audio/flac",
}
SUFFIXES: dict[Format, str] = {"opus": ".opus", "mp3": ".mp3", "aac": ".m4a", "flac": ".flac"}
MP3_BIT_RATES_KBITS = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)  # of MPEG-1 layer III

# What comes on top of the bit rate, see `estimated_bytes`: what encoders take more, and what containers add.
_MORE_SHARE = {"opus": 0.0, "mp3": 0.0, "aac": 0.03}
_MORE_BYTES_A_SECOND = {"opus": 200, "mp3": 0, "aac": 700}
_FIXED_BYTES = 4096  # the header, and the last frame
# A player skips what is filled up: in MP3 it begins as an old tag, in MP4 as an atom that reaches to the end.
_PADDING_BEGINS = {"opus": b"", "mp3": b"TAG", "aac": b"\0\0\0\0free"}


@dataclass(frozen=True, slots=True)
class Job:
    """What a transcoder is asked for."""

    format: Format
    bit_rate_kbits: int | None = None
    """None for FLAC."""
    start_seconds: float = 0.0
    """Where in the file the sound begins."""
    seconds: float | None = None
    """How long it is; None: to the end of the file."""
    gain_db: float = 0.0
    is_constant: bool = False
    """Whether every second has as many bytes, so that the length can be told in advance. MP3 is always so."""
    without_metadata: bool = False
    """Whether to leave out the tags before the sound, which some demuxers stumble over."""

    def to_json(self) -> str:
        """Return the job as text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the job that `to_json` has written."""
        return cls(**json.loads(text))


def usable_bit_rate(format: Format, wanted: int | None) -> int | None:
    """Return the bit rate (kbit/s) that is used for a wanted one: one that the format has; None for FLAC."""
    if format == "flac":
        return None
    bit_rate = min(max(wanted or DEFAULT_BIT_RATES_KBITS[format], MIN_BIT_RATE_KBITS), MAX_BIT_RATE_KBITS)
    return max(rate for rate in MP3_BIT_RATES_KBITS if rate <= bit_rate) if format == "mp3" else bit_rate


def estimated_bytes(job: Job, seconds: float) -> int | None:
    """Return how many bytes the sound of so many seconds will have at most; None for FLAC, of which nobody knows."""
    if job.bit_rate_kbits is None:
        return None
    bytes_a_second = job.bit_rate_kbits * 125 * (1 + _MORE_SHARE[job.format]) + _MORE_BYTES_A_SECOND[job.format]
    return _FIXED_BYTES + math.ceil(seconds * bytes_a_second)


def padding(format: Format, count: int) -> bytes:
    """Return so many bytes behind a stream that no player takes for sound."""
    return _PADDING_BEGINS.get(format, b"")[:count].ljust(count, b"\0")
