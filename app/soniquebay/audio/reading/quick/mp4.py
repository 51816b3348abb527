"""MP4 with one track of AAC or ALAC, and the tags of iTunes.

Sources: ISO/IEC 14496-12 (boxes), 14496-14 and 14496-1 (esds), 14496-3, section 1.6 (AudioSpecificConfig); Apple,
"QuickTime File Format" (metadata of iTunes) and "ALAC Magic Cookie Description".
"""

from struct import Struct

from mutagen.id3 import TCON

from soniquebay.audio.reading.quick.source import NotPlainError, Source
from soniquebay.audio.reading.raw import RawContent, Sound

MAX_TAG_BYTES = 1 << 20  # of all tags of a file, without the pictures

_Tags = dict[str, list[str]]
_Box = tuple[bytes, int, int]  # type, where its content begins, where it ends

_HEADER_BYTES = 8
_DATA_HEADER_BYTES, _NAME_HEADER_BYTES = 16, 12
_MAX_BOXES = 1_000  # in one other
_MAX_TRACKS = 4  # sound, titles of chapters
_MAX_STSD_BYTES = 4 << 10
_TOP_LEVEL = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide"})
_IMPLICIT, _UTF8, _INTEGER = 0, 1, 21  # data types of tags
_NO_GENRE = b"\0\0"
_SILENT_TRACKS = frozenset({b"text", b"sbtl"})  # chapters

# The tags of iTunes by the form of their values.
_TEXT_NAMES = (
    "\xa9nam \xa9alb \xa9ART \xa9wrt \xa9day \xa9cmt \xa9grp \xa9gen \xa9lyr \xa9too aART desc purd catg keyw cprt "
    "soal soaa soar sonm soco sosn tvsh purl egid"
)
_INTEGER_NAMES = "plID cnID geID atID sfID cmID akID tvsn tves tmpo \xa9mvi \xa9mvc shwm stik hdvd rtng"
_TEXTS = frozenset(_TEXT_NAMES.encode("latin-1").split())
_INTEGERS = frozenset(_INTEGER_NAMES.encode("latin-1").split())
_BOOLEANS = frozenset({b"cpil", b"pgap", b"pcst"})

_AAC_RATES_HZ = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
_MAX_RATE_WITH_REPLICATION_HZ = 24000  # of the core, which is half that of the sound
_LC, _SBR, _PS = 2, 5, 29  # audio object types: AAC LC; spectral band replication, and parametric stereo beside it
_SBR_SYNC, _PS_SYNC = 0x2B7, 0x548

_box_header = Struct(">I4s").unpack_from
_data_header = Struct(">I4sI").unpack_from  # size, type of the box; version and type of the data
_uint32 = Struct(">I").unpack_from
_uint64 = Struct(">Q").unpack_from
_pair = Struct(">2H").unpack_from
_mdhd_0, _mdhd_1 = Struct(">2I").unpack_from, Struct(">IQ").unpack_from
_sample_entry = Struct(">H6xH").unpack_from  # channels, sample rate

_MAX_REMEMBERED_KEYS, _MAX_REMEMBERED_BYTES = 1_000, 100
_keys: dict[bytes, str] = {}  # by what makes them in the file: they are the same few in each


def read(source: Source) -> RawContent:
    """Return what the file says. Raises `NotPlainError`."""
    top = _boxes(source, 0, source.size)
    if {box[0] for box in top} - _TOP_LEVEL:
        raise NotPlainError
    _, start, end = _only(top, b"moov")
    movie = _boxes(source, start, end)
    if any(name == b"mvex" for name, _, _ in movie):
        raise NotPlainError  # the sound is in fragments
    sound = _sound(source, movie)
    if not (sound.sample_rate and sound.channels) or sound.bit_depth == 0:
        raise NotPlainError
    sound.bit_rate = sound.bit_rate or round(
        8 * sum(end - start for name, start, end in top if name == b"mdat") / sound.duration
    )
    tags, has_picture = _tags(source, movie)
    return RawContent("mp4", tags, sound, has_picture)


def _boxes(source: Source, start: int, end: int) -> list[_Box]:
    """Return the boxes that fill a stretch of the file."""
    found: list[_Box] = []
    head = source.head
    while start < end:
        # Directly from the head for the sake of speed.
        is_in_head = start + _HEADER_BYTES <= len(head)
        size, name = _box_header(head, start) if is_in_head else _box_header(source.read(start, _HEADER_BYTES))
        content = start + _HEADER_BYTES
        if size == 1:
            (size,) = _uint64(source.read(content, 8))
            content += 8
        if start + size > end or size < content - start or len(found) == _MAX_BOXES:
            raise NotPlainError
        start += size
        found.append((name, content, start))
    return found


def _only(boxes: list[_Box], name: bytes) -> _Box:
    found = [box for box in boxes if box[0] == name]
    if len(found) != 1:
        raise NotPlainError
    return found[0]


def _sound(source: Source, movie: list[_Box]) -> Sound:
    """Return the properties of the only track of sound."""
    sounds: list[list[_Box]] = []
    tracks = [box for box in movie if box[0] == b"trak"]
    for _, start, end in tracks[: _MAX_TRACKS + 1]:
        _, media_start, media_end = _only(_boxes(source, start, end), b"mdia")
        media = _boxes(source, media_start, media_end)
        handler = source.read(_only(media, b"hdlr")[1] + 8, 4)
        if handler == b"soun":
            sounds.append(media)
        elif handler not in _SILENT_TRACKS:
            raise NotPlainError
    if len(sounds) != 1 or len(tracks) > _MAX_TRACKS:
        raise NotPlainError
    media = sounds[0]
    _, start, end = _only(media, b"mdhd")
    header = source.read(start, min(end - start, 32))
    if header[0] > 1:
        raise NotPlainError
    scale, length = _mdhd_1(header, 20) if header[0] else _mdhd_0(header, 12)
    if not scale or not length or length == 0xFFFFFFFF:
        raise NotPlainError
    _, start, end = _only(media, b"minf")
    _, start, end = _only(_boxes(source, start, end), b"stbl")
    name, start, end = _boxes(source, start, end)[0]
    if name != b"stsd" or end - start > _MAX_STSD_BYTES:
        raise NotPlainError
    return _described(source.read(start, end - start), length / scale)


def _described(descriptions: bytes, duration: float) -> Sound:
    """Return the sound that the only entry of an stsd box describes."""
    version, count = _uint32(descriptions, 0)[0], _uint32(descriptions, 4)[0]
    size, kind = _box_header(descriptions, 8)
    entry = descriptions[8 : 8 + size]
    if version or count != 1 or len(entry) != size:
        raise NotPlainError
    channels, sample_rate = _sample_entry(entry, 24)
    child_bytes, child = _box_header(entry, 36)
    content = entry[44 : 36 + child_bytes]
    if entry[16:24] != bytes(8) or len(content) != child_bytes - 8 or _uint32(content, 0)[0]:
        raise NotPlainError
    if kind == b"alac" and child == b"alac" and content[8] == 0:
        (sample_rate,) = _uint32(content, 24)
        # Its bit rate is not that of the sound in many files.
        return Sound("M4A", "ALAC", duration, None, sample_rate, content[13], content[9])
    if kind != b"mp4a" or child != b"esds":
        raise NotPlainError
    bit_rate, stated_rate, stated_channels = _decoder(content[4:])
    return Sound("M4A", "AAC", duration, bit_rate, stated_rate or sample_rate, stated_channels or channels)


def _descriptor(data: bytes, position: int, tag: int) -> int:
    """Return where the content of a descriptor begins. Its length has seven bits in each byte, of four at most."""
    if data[position] != tag:
        raise NotPlainError
    for end in range(position + 2, position + 6):
        if data[end - 1] < 0x80:
            return end
    raise NotPlainError


def _decoder(data: bytes) -> tuple[int, int, int]:
    """Return bit rate, sample rate and channels of an ES_Descriptor; 0 for each that it leaves to the sample entry."""
    position = _descriptor(data, 0, 3)
    if data[position + 2] & 0xE0:
        raise NotPlainError
    position = _descriptor(data, position + 3, 4)
    if data[position] != 0x40 or data[position + 1] >> 2 != 5:  # AAC; sound
        raise NotPlainError
    (bit_rate,) = _uint32(data, position + 9)
    position = _descriptor(data, position + 13, 5)
    size = data[position - 1]
    if position + size > len(data):
        raise NotPlainError
    return bit_rate, *_specific(data[position : position + size])


def _specific(data: bytes) -> tuple[int, int]:
    """Return sample rate and channels of an AudioSpecificConfig; 0 for each that it leaves open."""
    bits = _Bits(data)
    kind, sample_rate, configuration = bits.take(5), _rate(bits), bits.take(4)
    has_replication = kind in {_SBR, _PS}
    is_stereo: bool | None = True if kind == _PS else None
    if has_replication:
        sample_rate = _rate(bits)
        kind = bits.take(5)
    if kind != _LC or not 1 <= configuration <= 7 or bits.take(3):
        raise NotPlainError
    is_known = has_replication
    if not has_replication and bits.left >= 16 and bits.take(11) == _SBR_SYNC:
        if bits.take(5) != _SBR:
            raise NotPlainError
        is_known = True
        if bits.take(1):
            sample_rate = _rate(bits)
            if bits.left >= 12 and bits.take(11) == _PS_SYNC:
                is_stereo = bool(bits.take(1))
    if not is_known and sample_rate <= _MAX_RATE_WITH_REPLICATION_HZ:
        sample_rate = 0  # replication need not be told
    if configuration == 1:
        return sample_rate, 0 if is_stereo is None else 1 + is_stereo
    return sample_rate, 8 if configuration == 7 else configuration


class _Bits:
    """The bits of some bytes, the highest first."""

    __slots__ = ("_value", "left")

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self.left = 8 * len(data)

    def take(self, count: int) -> int:
        self.left -= count
        return self._value >> self.left & ((1 << count) - 1)  # a ValueError behind the end


def _rate(bits: _Bits) -> int:
    return _AAC_RATES_HZ[bits.take(4)]  # an IndexError for a rate in 24 bits


def _tags(source: Source, movie: list[_Box]) -> tuple[_Tags, bool]:
    """Return the tags of moov.udta.meta.ilst, and whether there is a picture."""
    boxes = movie
    for name in (b"udta", b"meta", b"ilst"):
        found = [box for box in boxes if box[0] == name]
        if not found:
            return {}, False
        if len(found) > 1:
            raise NotPlainError
        _, start, end = found[0]
        boxes = _boxes(source, start + 4 if name == b"meta" else start, end)
    tags: _Tags = {}
    has_picture = False
    size = 0
    for name, start, end in boxes:
        if name == b"covr":
            has_picture |= _has_picture(source, start, end)
            continue
        size += end - start
        if size > MAX_TAG_BYTES:
            raise NotPlainError
        _add_tag(tags, name, source.read(start, end - start))
    return tags, has_picture


def _has_picture(source: Source, start: int, end: int) -> bool:
    boxes = _boxes(source, start, end)
    if any(name != b"data" or box_end - content < 8 for name, content, box_end in boxes):
        raise NotPlainError
    return bool(boxes)


def _add_tag(tags: _Tags, name: bytes, content: bytes) -> None:
    if name in _TEXTS:
        values = [str(data, "utf-8") for data in _values(content, 0, (_IMPLICIT, _UTF8))]
    elif name == b"----":
        _add_free_form(tags, content)
        return
    elif name in {b"trkn", b"disk"}:
        values = ["{}/{}".format(*_pair(data, 2)) for data in _values(content, 0)]
    elif name in _INTEGERS:
        values = [_integer(data) for data in _values(content, 0, (_IMPLICIT, _INTEGER))]
    elif name in _BOOLEANS:
        for data in _values(content, 0):
            tags[str(name, "ascii")] = [_boolean(data)]
        return
    elif name == b"gnre":
        name = b"\xa9gen"
        values = [_genre(data) for data in _values(content, 0) if data != _NO_GENRE]
        if not values:
            return
    elif _uint32(content, 8)[0] != _UTF8:
        return  # data of a program
    else:
        values = [str(data, "utf-8") for data in _values(content, 0, (_UTF8,))]
    tags.setdefault(str(name, "latin-1"), []).extend(values)


def _values(content: bytes, position: int, types: tuple[int, ...] = ()) -> list[bytes]:
    """Return what the data boxes hold that fill the rest of a tag. They must have one of these types, if any."""
    values = []
    while position < len(content):
        size, name, version_and_type = _data_header(content, position)
        end = position + size
        if (
            name != b"data"
            or size < _DATA_HEADER_BYTES
            or end > len(content)
            or (types and version_and_type not in types)
        ):
            raise NotPlainError
        values.append(content[position + _DATA_HEADER_BYTES : end])
        position = end
    return values


def _add_free_form(tags: _Tags, content: bytes) -> None:
    """Add a tag whose name is in the boxes "mean" and "name"."""
    (size,) = _uint32(content, 0)
    position = size + _uint32(content, size)[0]
    if position > len(content):
        raise NotPlainError
    key = _keys.get(content[:position]) or _free_form_key(content[:position], size)
    values = [str(data, "utf-8", "replace") for data in _values(content, position)]
    tags.setdefault(key, []).extend(values)


def _free_form_key(names: bytes, mean_bytes: int) -> str:
    """Return the key that the boxes "mean" and "name" make."""
    if names[4:8] != b"mean" or names[mean_bytes + 4 : mean_bytes + 8] != b"name" or mean_bytes < _NAME_HEADER_BYTES:
        raise NotPlainError
    if len(names) < mean_bytes + _NAME_HEADER_BYTES:
        raise NotPlainError
    mean, name = names[_NAME_HEADER_BYTES:mean_bytes], names[mean_bytes + _NAME_HEADER_BYTES :]
    key = f"----:{str(mean, 'ascii')}:{str(name, 'ascii')}"
    if len(names) <= _MAX_REMEMBERED_BYTES and len(_keys) < _MAX_REMEMBERED_KEYS:
        _keys[names] = key
    return key


def _integer(data: bytes) -> str:
    if len(data) not in {1, 2, 3, 4, 8}:
        raise NotPlainError
    return str(int.from_bytes(data, "big", signed=True))


def _boolean(data: bytes) -> str:
    (flag,) = data  # a ValueError for any other length
    return "1" if flag else "0"


def _genre(data: bytes) -> str:
    number = int.from_bytes(data, "big")
    if len(data) != 2 or not number:
        raise NotPlainError
    return str(TCON.GENRES[number - 1])
