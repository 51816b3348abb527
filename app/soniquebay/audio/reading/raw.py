"""What a file says, in the names of its own tag system; the form that every reader returns."""

from dataclasses import dataclass, field
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
class RawTags:
    """The tags of one system. `RawContent` describes `tags` and `latin1`."""

    system: TagSystem
    tags: dict[str, list[str]]
    latin1: set[str] = field(default_factory=set)


@dataclass(slots=True)
class RawContent:
    """The tags of a file with their values in the order of the file, as the file writes them.

    Keys by tag system:

    - ``id3``: the frame's id, ``TIT2``; ``TXXX:<description>`` and ``UFID:<owner>`` with the description as written;
      ``COMM`` and ``COMM:<description>``; ``USLT``; ``SYLT`` as one LRC text; ``POPM:<email>`` as
      ``"<rating>/<count>"``; ``PCNT``; ``RVA2:<identification>`` as ``"<gain>/<peak>"``.
      ``TIPL``, ``TMCL`` and ``IPLS`` alternate role and name. ``TCON`` is as written, with ``(17)`` and ``17``.
      An ID3v2.3 tag has the names of ID3v2.4 where there is one: ``TYER``, ``TDAT`` and ``TIME`` become ``TDRC``.
    - ``vorbis``, ``ape``, ``asf``, ``matroska``, ``riff``: the name in lower case.
    - ``mp4``: the atom, ``\\xa9nam``; ``----:<mean>:<name>``. ``trkn`` and ``disk`` are ``"<number>/<total>"``, each 0
      where it is not stated. ``cpil`` is 0 or 1. ``gnre`` is the name of the genre under ``\\xa9gen``.

    Pictures are not among the values. A CUESHEET block of FLAC is the value of ``cuesheet`` as the text of a cue sheet,
    unless a comment has that name.

    `latin1` are the keys with a value that the file marks as ISO-8859-1, or does not mark at all, and that has a byte
    above 0x7F. Such a value holds one character for each byte, U+0080 to U+00FF: which code page it really is, is not
    decided here. `fallbacks` are tags of other systems in the same file, the best first: each fills in what is missing
    in those before it (APEv2 and ID3v1 behind ID3v2, RIFF INFO behind ID3v2). ID3v1 has the keys of the ID3v2 frames,
    its comment is ``COMM``; it stands behind an ID3v2 tag, and is the main one in a file without another.

    The bit rate of Ogg counts the bytes behind the page on which the comments end, that of FLAC those behind the last
    metadata block, that of MP3 is what a Xing or VBRI header says, else that of the frames. That of ALAC, and of MP4
    without one in its header, is that of the data (``mdat``).
    """

    system: TagSystem
    tags: dict[str, list[str]]
    sound: Sound
    has_picture: bool = False
    latin1: set[str] = field(default_factory=set)
    fallbacks: tuple[RawTags, ...] = ()
