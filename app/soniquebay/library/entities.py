"""What travels from `batch.process_entities` to the API: a batch grouped into artists, albums and tracks."""

from typing import NotRequired  # Pydantic reads these, and needs it below Python 3.12

from typing_extensions import TypedDict

GENRE_SEPARATOR = "\x1f"


class FileStamp(TypedDict):
    """A file as discovery saw it: encoded path, size in bytes, modification time in nanoseconds."""

    path: str
    size: int
    mtime_ns: int


class FileTags(FileStamp):
    """A file and the fields of `audio.tags.Tags`."""

    tags: dict[str, object]


class FailedFile(TypedDict):
    """A file that became no track, and why; `bad_content` if it was read and holds no music."""

    path: str
    reason: str
    bad_content: NotRequired[bool]


class ArtistEntity(TypedDict):
    """An artist and its normalised name."""

    name: str
    normalised_name: str
    mbid: str | None


class AlbumEntity(TypedDict):
    """An album; `artist` is an index into the artists of the same batch."""

    title: str
    normalised_title: str
    artist: int
    year: int | None
    mbid: str | None


class TrackEntity(FileStamp):
    """A track; `artist` and `album` are indexes into the same batch, `credit` names guests beside the artist."""

    title: str
    artist: int
    credit: str | None
    album: int | None
    track_no: int | None
    disc_no: int | None
    year: int | None
    duration: float
    format: str
    mbid: str | None
    genre_raw: str
    has_picture: bool
    fingerprint: int


class Entities(TypedDict):
    """One batch, ready to be inserted in one transaction."""

    artists: list[ArtistEntity]
    albums: list[AlbumEntity]
    tracks: list[TrackEntity]
    failures: list[FailedFile]
