"""A file without the metadata before its sound: FFmpeg's demuxers refuse some files whose tags alone are broken."""

import io

from soniquebay.audio.reading.errors import UnreadableAudioError
from soniquebay.audio.reading.source import opened

_STREAMINFO_END = 4 + 4 + 34  # RFC 9639, section 8.2
_LAST_BLOCK = 0x80


def without_metadata(path: str) -> io.RawIOBase | None:
    """Return the sound of the file at `path`; None if nothing is known that could be left out.

    Of FLAC the properties of the stream stay; the decoder finds the first frame behind. Of WavPack and MPEG what goes
    is an ID3 tag. Raises `OSError` if the file cannot be read.
    """
    try:
        with opened(path) as source:
            kind, start, header = source.kind, source.start, source.header
    except UnreadableAudioError:
        return None
    if kind == "flac" and len(header) >= _STREAMINFO_END:
        return _View(
            path, header[:4] + bytes([header[4] | _LAST_BLOCK]) + header[5:_STREAMINFO_END], start + _STREAMINFO_END
        )
    return _View(path, b"", start) if start and kind in {"wavpack", "mpeg", "aac"} else None


class _View(io.RawIOBase):
    """Some bytes, and behind them a file from a position on."""

    def __init__(self, path: str, beginning: bytes, start: int) -> None:
        self._file = open(path, "rb")  # noqa: SIM115, PTH123 - closed with the view
        self._beginning = beginning
        self._start = start - len(beginning)
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        self._file.close()
        super().close()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_CUR:
            offset += self._position
        elif whence == io.SEEK_END:
            offset += self._file.seek(0, io.SEEK_END) - self._start
        self._position = max(0, offset)
        return self._position

    def tell(self) -> int:
        return self._position

    def read(self, size: int = -1) -> bytes:
        data = self._beginning[self._position :]
        if 0 <= size <= len(data):
            data = data[:size]
        else:
            self._file.seek(self._start + max(self._position, len(self._beginning)))
            data += self._file.read(size - len(data) if size >= 0 else -1)
        self._position += len(data)
        return data
