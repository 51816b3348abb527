"""The message from `batch.process_entities` to the API: a batch grouped into artists, albums and tracks."""

from typing import NotRequired

from typing_extensions import TypedDict  # Pydantic reads these classes, and needs this one below Python 3.12

GENRE_SEPARATOR = "\x1f"
ENTITIES_SCHEMA = 1  # of `Entities`; increase it whenever a field is renamed, added or removed


class FileStamp(TypedDict):
    """The stamp of a file: encoded path, size in bytes, modification time in nanoseconds."""

    path: str
    size: int
    mtime_ns: int


class FileTags(FileStamp):
    """A file and its tags: the fields of `audio.tags.Tags` by name."""

    tags: dict[str, object]


class FailedFile(TypedDict):
    """A file that could not be taken in, and why; `bad_content` if it could be read but holds no audio."""

    path: str
    reason: str
    bad_content: NotRequired[bool]


class LeftOut(TypedDict):
    """How many files and folders a scan has left out for one reason, and the encoded path of one of them."""

    reason: str
    files: int
    folders: int
    example: str


class ArtistEntity(TypedDict):
    """An artist and its normalised name."""

    name: str
    normalised_name: str
    mbid: str | None


class AlbumEntity(TypedDict):
    """An album; `artist` is an index into the artists of the batch."""

    title: str
    normalised_title: str
    artist: int
    year: int | None
    mbid: str | None


class TrackEntity(FileStamp):
    """A track; `artist` and `album` are indexes into those of the batch, `duration` is in seconds."""

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
    """One batch, to be inserted in one transaction.

    `schema` is `ENTITIES_SCHEMA`: after an upgrade the queue may still hold messages of the release before.
    """

    schema: int
    artists: list[ArtistEntity]
    albums: list[AlbumEntity]
    tracks: list[TrackEntity]
    failures: list[FailedFile]
