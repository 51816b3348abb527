"""ID3v2.3 and ID3v2.4 tags without unsynchronisation, compression, encryption and extended header.

Sources: id3.org, "ID3v2.3.0" (section 3), "ID3v2.4.0 structure" (sections 3 and 4) and "ID3v2.4.0 frames".
"""

from struct import Struct

from soniquebay.audio.reading.id3 import join_dates
from soniquebay.audio.reading.id3_frames import MAX_FRAMES, MAX_TEXT_BYTES
from soniquebay.audio.reading.quick.source import NotPlainError, Source

_HEADER_BYTES = 10
_END = bytes(_HEADER_BYTES)
_LATIN1, _UTF16, _UTF16_BE, _UTF8 = range(4)  # the encoding byte of text
_BYTE_ORDER_MARK, _SWAPPED_BYTE_ORDER_MARK = "\ufeff", "\ufffe"
_LANGUAGE_BYTES = 3
_CHUNK_BYTES = 16 << 10
_MAX_TEXTS_OF_FRAME = 256
_MAX_COUNTER_BYTES = 8
_MAX_PICTURE_FIELD_BYTES = 1 << 10  # of what stands before the picture itself

# Frames of text. Those of ID3v2.4 are also written to ID3v2.3, with an X by authors who knew no better.
TEXT_FRAMES = (
    "GRP1 MVIN MVNM TALB TBPM TCAT TCMP TCOM TCON TCOP TDAT TDEN TDES TDLY TDOR TDRC TDRL TDTG TENC TEXT TFLT TGID "
    "TIME TIT1 TIT2 TIT3 TKEY TKWD TLAN TLEN TMED TMOO TOAL TOFN TOLY TOPE TORY TOWN TPE1 TPE2 TPE3 TPE4 TPOS TPRO "
    "TPUB TRCK TRDA TRSN TRSO TSIZ TSO2 TSOA TSOC TSOP TSOT TSRC TSSE TSST TYER XDOR XSOA XSOP XSOT"
)
# No tags of music.
_SKIPPED_FRAMES = "CHAP CTOC GEOB MCDI PCST PRIV WCOM WCOP WFED WOAF WOAR WOAS WORS WPAY WPUB WXXX"

_TEXT, _DESCRIBED, _IN_LANGUAGE, _PEOPLE, _OWNED, _COUNTER, _PICTURE, _SKIPPED, _NONE = range(9)
_LAST_READ = _COUNTER
_KINDS = {
    **dict.fromkeys(TEXT_FRAMES.split(), _TEXT),
    "TXXX": _DESCRIBED,
    **dict.fromkeys(("COMM", "USLT"), _IN_LANGUAGE),
    **dict.fromkeys(("IPLS", "TIPL", "TMCL"), _PEOPLE),
    **dict.fromkeys(("UFID", "POPM"), _OWNED),
    "PCNT": _COUNTER,
    "APIC": _PICTURE,
    **dict.fromkeys(_SKIPPED_FRAMES.split(), _SKIPPED),
}
_FRAMES = {name.encode(): (name, kind) for name, kind in _KINDS.items()}
_UNKNOWN = ("", _NONE)

_frame_header = Struct(">4sIH").unpack_from


def read_tag(source: Source) -> tuple[dict[str, list[str]], set[str], bool, int]:
    """Return the values by key, the keys in ISO-8859-1, whether there is a picture, and where the tag ends.

    Raises `NotPlainError`.
    """
    head = source.head
    version = head[3]
    end = _HEADER_BYTES + _synchsafe(int.from_bytes(head[6:10], "big"))
    if version not in {3, 4} or head[4] or head[5]:
        raise NotPlainError
    reader = _Frames(source, version)
    reader.read(end)
    if "TYER" in reader.tags:
        join_dates(reader.tags)
    return reader.tags, reader.latin1, reader.has_picture, end


def _synchsafe(number: int) -> int:
    """Return the number of which each byte holds seven bits (ID3v2.4.0 structure, section 6.2)."""
    if number & 0x80808080:
        raise NotPlainError
    return number & 0x7F | (number & 0x7F00) >> 1 | (number & 0x7F0000) >> 2 | (number & 0x7F000000) >> 3


def _checked_count(texts: list[str]) -> list[str]:
    if len(texts) > _MAX_TEXTS_OF_FRAME:
        raise NotPlainError
    return texts


class _Frames:
    """The frames of one tag; pictures and the like are passed over without reading them."""

    __slots__ = ("_seen", "_source", "_version", "has_picture", "latin1", "tags")

    def __init__(self, source: Source, version: int) -> None:
        self._source = source
        self._version = version
        self._seen: set[tuple[str, str, str]] = set()
        self.tags: dict[str, list[str]] = {}
        self.latin1: set[str] = set()
        self.has_picture = False

    def read(self, end: int) -> None:
        """Read the frames up to the end of the tag."""
        is_synchsafe = self._version == 4
        position = _HEADER_BYTES
        window, base = self._source.head, 0
        frames = text_bytes = 0
        while end - position >= _HEADER_BYTES:
            offset = position - base
            if offset + _HEADER_BYTES > len(window):
                window, base = self._source.read(position, min(_CHUNK_BYTES, end - position)), position
                offset = 0
            identifier, size, flags = _frame_header(window, offset)
            name, kind = _FRAMES.get(identifier, _UNKNOWN)
            if is_synchsafe and size > 0x7F:
                size = _synchsafe(size)
            start, position = position + _HEADER_BYTES, position + _HEADER_BYTES + size
            frames += 1
            # The flags are grouping, compression, encryption and unsynchronisation.
            if flags & 0xFF or position > end or frames > MAX_FRAMES:
                raise NotPlainError
            if kind <= _LAST_READ:
                text_bytes += size
                if text_bytes > MAX_TEXT_BYTES:
                    raise NotPlainError
                is_there = position - base <= len(window)
                data = window[start - base : position - base] if is_there else self._source.read(start, size)
                if data:
                    self._read_frame(name, kind, data)
            elif kind == _PICTURE:
                self._notice_picture(start, size)
            elif kind == _NONE:
                if window[offset : offset + _HEADER_BYTES] != _END:
                    raise NotPlainError
                return  # padding
        if any(self._source.read(position, end - position)):
            raise NotPlainError

    def _read_frame(self, name: str, kind: int, data: bytes) -> None:
        encoding = data[0]
        if kind == _TEXT:
            self._add(name, self._texts(data[1:], encoding), encoding)
        elif kind == _DESCRIBED:
            description, *values = self._texts(data[1:], encoding) or ("",)
            self._add(f"{name}:{description}" if description else name, values, encoding)
        elif kind == _IN_LANGUAGE:
            self._read_in_language(name, data)
        elif kind == _PEOPLE:
            people = self._texts(data[1:], encoding)
            self._add(name, people + [""] * (len(people) % 2), encoding)
        elif kind == _OWNED:
            self._read_owned(name, data)
        elif len(data) > _MAX_COUNTER_BYTES:
            raise NotPlainError
        else:
            self._add(name, [str(int.from_bytes(data, "big"))], _UTF8)

    def _texts(self, data: bytes, encoding: int) -> list[str]:
        """Return the texts that NUL separates; none if there is no data. Zeros at the end of ID3v2.3 are padding."""
        if encoding == _UTF8:
            text = str(data, "utf-8")
        elif encoding == _LATIN1:
            text = str(data, "latin-1")
        elif encoding == _UTF16:
            return self._marked_texts(data)
        elif encoding == _UTF16_BE:
            text = str(data, "utf-16-be")
        else:
            raise NotPlainError
        if "\0" not in text:
            return [text] if text else []
        return self._separated(text)

    def _separated(self, text: str) -> list[str]:
        if self._version == 3:
            text = text.rstrip("\0")
        elif text.endswith("\0"):
            text = text[:-1]
        return _checked_count(text.split("\0"))

    def _marked_texts(self, data: bytes) -> list[str]:
        """Return the texts in UTF-16. Each begins with a byte order mark; where it does not, it is little-endian."""
        if not data:
            return []
        is_little = data[:2] == b"\xff\xfe"
        if not is_little and data[:2] != b"\xfe\xff":
            raise NotPlainError
        text = str(data[2:], "utf-16-le" if is_little else "utf-16-be")
        if "\0" not in text:
            return [text]
        first, *others = self._separated(text)
        for index, part in enumerate(others):
            if part[:1] == _BYTE_ORDER_MARK:
                others[index] = part[1:]
            elif part and (not is_little or part[0] == _SWAPPED_BYTE_ORDER_MARK):
                raise NotPlainError
        return [first, *others]

    def _add(self, key: str, values: list[str], encoding: int) -> None:
        if not values:
            return
        if key in self.tags:
            raise NotPlainError  # two frames of one kind
        self.tags[key] = values
        self._note_encoding(key, values, encoding)

    def _note_encoding(self, key: str, values: list[str], encoding: int) -> None:
        if encoding == _LATIN1 and not all(map(str.isascii, values)):
            self.latin1.add(key)

    def _read_in_language(self, name: str, data: bytes) -> None:
        """Keep a comment or lyrics. Those in several languages, and lyrics of several kinds, are under one key."""
        encoding = data[0]
        language = str(data[1 : 1 + _LANGUAGE_BYTES], "ascii")
        description, *values = self._texts(data[1 + _LANGUAGE_BYTES :], encoding) or ("",)
        if name == "USLT":
            del values[1:]
        identity = (name, language, description)
        if len(language) < _LANGUAGE_BYTES or identity in self._seen:
            raise NotPlainError
        if not values:
            return
        self._seen.add(identity)
        key = f"{name}:{description}" if description and name == "COMM" else name
        self.tags.setdefault(key, []).extend(values)
        self._note_encoding(key, values, encoding)

    def _read_owned(self, name: str, data: bytes) -> None:
        """Keep an identifier or a rating: an owner in ISO-8859-1, NUL, and what belongs to it."""
        owner, separator, rest = data.partition(b"\0")
        if not separator or (name == "POPM" and not 1 <= len(rest) <= 1 + _MAX_COUNTER_BYTES):
            raise NotPlainError
        value = str(rest, "ascii") if name == "UFID" else f"{rest[0]}/{int.from_bytes(rest[1:], 'big')}"
        self._add(f"{name}:{str(owner, 'latin-1')}", [value], _UTF8)

    def _notice_picture(self, start: int, size: int) -> None:
        """Note that there is a picture if its description is as it should be."""
        if not size:
            return
        data = self._source.read(start, min(size, _MAX_PICTURE_FIELD_BYTES))
        encoding, media_type_end = data[0], data.index(0, 1)
        text = data[media_type_end + 2 :]
        if encoding in {_UTF16, _UTF16_BE}:
            terminator = next((i for i in range(0, len(text) - 1, 2) if text[i] == text[i + 1] == 0), -1)
        else:
            terminator = text.find(0)
        if terminator < 0:
            raise NotPlainError
        self._texts(text[:terminator], encoding)
        self.has_picture = True
