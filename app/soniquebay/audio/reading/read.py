"""The entry: what one file says, by the quick readers if they can, else by mutagen."""

from soniquebay.audio.reading import quick
from soniquebay.audio.reading.content import FileContent, content_of
from soniquebay.audio.reading.mutagen_reader import read_raw


def read_file(path: str, tag_encoding: str = "") -> FileContent:
    """Return tags and sound of the file at `path` (Python's file-system string).

    `tag_encoding` is the code page of text that is marked as ISO-8859-1, or not marked at all; empty if none is known.
    Raises `UnavailableFileError` when the file cannot be read, and `UnreadableAudioError` when it is not audio.
    """
    return content_of(quick.read(path) or read_raw(path), tag_encoding)
