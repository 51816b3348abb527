"""Whether a file is played as it is, or what it is transcoded to."""

from dataclasses import dataclass
from typing import Literal

from soniquebay.transcoding.formats import Format, Job, usable_bit_rate

RequestedFormat = Literal["raw", "opus", "mp3", "aac", "flac"]
Gain = Literal["off", "track", "album"]

# What browsers play: the codecs in each format. A file whose codec is not known is judged by its format alone.
_PLAYABLE: dict[str, frozenset[str]] = {
    "MP3": frozenset({"MP3"}),
    "FLAC": frozenset({"FLAC"}),
    "Ogg FLAC": frozenset({"FLAC"}),
    "Ogg Vorbis": frozenset({"Vorbis"}),
    "Opus": frozenset({"Opus"}),
    "M4A": frozenset({"AAC", "MP3", "FLAC", "Opus"}),
    "AAC": frozenset({"AAC"}),
    "WAV": frozenset({"PCM"}),
    "WebM": frozenset({"Opus", "Vorbis"}),
}
_LOSSLESS_CODECS = frozenset(
    {"FLAC", "ALAC", "PCM", "WavPack", "Monkey's Audio", "TTA", "DSD", "DST", "TrueHD", "WMA Lossless"}
)
_LOSSLESS_FORMATS = frozenset({"FLAC", "Ogg FLAC", "WAV", "AIFF", "WavPack", "Monkey's Audio", "TTA", "DSF", "DSDIFF"})
# Which file a requested format is already, by format and codec.
_SAME: dict[tuple[str, str], Format] = {
    ("MP3", "MP3"): "mp3",
    ("Opus", "Opus"): "opus",
    ("FLAC", "FLAC"): "flac",
    ("M4A", "AAC"): "aac",
}


@dataclass(frozen=True, slots=True)
class StoredSound:
    """What the library knows of the sound of a track's file."""

    format: str
    codec: str | None = None
    bits_per_second: int | None = None
    is_part: bool = False  # of a file, which a cue sheet describes
    start_seconds: float = 0.0  # of the track within its file
    seconds: float | None = None  # how long it is; None if it ends where its file does

    @property
    def is_lossless(self) -> bool:
        """Whether the sound has lost nothing to its codec."""
        return self.codec in _LOSSLESS_CODECS if self.codec else self.format in _LOSSLESS_FORMATS


@dataclass(frozen=True, slots=True)
class RequestedSound:
    """What a listener asks for."""

    format: RequestedFormat | None = None  # None: what every browser plays
    bit_rate_kbits: int | None = None
    offset_seconds: float = 0.0
    gain_db: float = 0.0
    is_constant: bool = False


def choose(stored: StoredSound, requested: RequestedSound) -> Job | None:
    """Return what to transcode a file to; None if it is played as it is.

    A file is transcoded only for a reason: browsers do not play it, it is in another format than the requested one, it
    has more bits a second than requested, or only a part or a louder or quieter version of it is requested. Where no
    format is requested, it becomes FLAC if it is lossless, else MP3, which every player knows.
    """
    if requested.format == "raw":
        return None
    is_changed = stored.is_part or requested.offset_seconds > 0 or requested.gain_db != 0
    too_many_bits = requested.bit_rate_kbits is not None and (
        stored.bits_per_second is None or stored.bits_per_second > requested.bit_rate_kbits * 1000
    )
    if requested.format is None:
        suits = _is_playable(stored)
    else:
        suits = _SAME.get((stored.format, stored.codec or stored.format)) == requested.format
        too_many_bits = too_many_bits and requested.format != "flac"
    if suits and not is_changed and not too_many_bits:
        return None
    target: Format = requested.format or ("flac" if stored.is_lossless and requested.bit_rate_kbits is None else "mp3")
    return Job(
        format=target,
        bit_rate_kbits=usable_bit_rate(target, requested.bit_rate_kbits),
        start_seconds=stored.start_seconds + requested.offset_seconds,
        seconds=None if stored.seconds is None else stored.seconds - requested.offset_seconds,
        gain_db=requested.gain_db,
        is_constant=requested.is_constant,
    )


def _is_playable(stored: StoredSound) -> bool:
    codecs = _PLAYABLE.get(stored.format)
    return codecs is not None and (stored.codec is None or stored.codec in codecs)
