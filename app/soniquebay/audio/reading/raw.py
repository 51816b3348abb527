"""What a file says, in the names of its own tag system; the form that every reader returns."""

from dataclasses import dataclass
from typing import Literal

TagSystem = Literal["id3", "vorbis", "mp4", "ape", "asf", "matroska", "riff"]


@dataclass(slots=True)
class Sound:
    """The properties of the sound. None where the format does not state them."""

    format: str  # as people call it: "MP3", "FLAC", "Ogg Vorbis", "M4A"
    codec: str  # for example "MP3", "AAC", "ALAC", "Vorbis", "PCM"
    duration: float  # seconds
    bit_rate: int | None = None  # bits a second, of the sound alone
    sample_rate: int | None = None  # Hz
    channels: int | None = None
    bit_depth: int | None = None  # bits a sample, of lossless codecs only


@dataclass(slots=True)
class RawContent:
    """The tags of a file with their values in the order of the file, as the file writes them.

    Keys by tag system:

    - ``id3``: the frame's id, ``TIT2``; ``TXXX:<description>`` and ``UFID:<owner>`` with the description as written;
      ``COMM`` and ``COMM:<description>``; ``USLT``; ``SYLT`` as one LRC text; ``POPM:<email>`` as ``"<rating>/<count>"``.
      ``TIPL``, ``TMCL`` and ``IPLS`` alternate role and name. ``TCON`` is as written, with ``(17)`` and ``17``.
      An ID3v2.3 tag has the names of ID3v2.4 where there is one: ``TYER``, ``TDAT`` and ``TIME`` become ``TDRC``.
    - ``vorbis``, ``ape``, ``asf``, ``matroska``, ``riff``: the name in lower case.
    - ``mp4``: the atom, ``\\xa9nam``; ``----:<mean>:<name>``. ``trkn`` and ``disk`` are ``"<number>/<total>"``, each 0 where
      it is not stated.

    Pictures are not among the values.
    """

    system: TagSystem
    tags: dict[str, list[str]]
    sound: Sound
    has_picture: bool = False
