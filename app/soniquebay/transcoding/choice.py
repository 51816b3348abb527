"""Whether a file is played as it is, or what it is transcoded to."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log10
from typing import Any, Literal

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
_R128_TO_REPLAYGAIN_DB = 5.0  # EBU R 128 aims at -23 LUFS, ReplayGain 2.0 at -18 LUFS
_MAX_GAIN_DB = 30.0  # tags may state anything
_MAX_PEAK = 4.0  # a larger one is on another scale, for example that of 16 bits


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


def replay_gain_db(tags: Mapping[str, Any], gain: Gain) -> float:
    """Return the ReplayGain (dB) that tags state; 0 without any. A missing gain of one kind is that of the other.

    `tags` have numbers as `library.browsing.details.typed_tags` makes them. The gain never clips: it ends where the
    stated peak reaches full scale, and without a peak it only lowers.
    """
    if gain == "off":
        return 0.0
    for kind in (gain, "album" if gain == "track" else "track"):
        stated: float | None = tags.get(f"replaygain_{kind}_gain")
        r128: float | None = tags.get(f"r128_{kind}_gain")
        if stated is None and r128 is not None:
            stated = r128 + _R128_TO_REPLAYGAIN_DB
        if stated is not None:
            return _without_clipping(stated, tags.get(f"replaygain_{kind}_peak"))
    return 0.0


def _without_clipping(gain_db: float, peak: float | None) -> float:
    if peak is None or not 0 < peak <= _MAX_PEAK:
        return min(max(gain_db, -_MAX_GAIN_DB), 0.0)
    return min(max(gain_db, -_MAX_GAIN_DB), _MAX_GAIN_DB, -20 * log10(peak))
