"""The messages between the stages of the pipeline and to the API."""

from typing import Any, NotRequired

from typing_extensions import TypedDict  # Pydantic reads these classes, and needs this one below Python 3.12

GENRE_SEPARATOR = "\x1f"
ENTITIES_SCHEMA = 2  # of `Entities`; increase it whenever a field is renamed, added or removed


class FileStamp(TypedDict):
    """The stamp of a file: encoded path, size in bytes, modification time in nanoseconds."""

    path: str
    size: int
    mtime_ns: int


class FileTags(FileStamp):
    """A file that was read: `tags` and `sound` are those of `audio.reading.content.FileContent.as_dict`."""

    tags: dict[str, str | list[str]]
    sound: dict[str, Any]
    has_picture: NotRequired[bool]


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


class TrackEntity(FileStamp):
    """A track: what its file says (`tags` and `sound`, as JSON), and that interpreted."""

    fingerprint: int
    mbid: str | None  # MusicBrainz recording
    tags: str
    sound: str
    interpreted: list[Any]  # the fields of `catalogue.interpret.TrackTags`
    duration: float  # seconds
    format: str
    has_picture: bool


class Entities(TypedDict):
    """One batch, to be inserted in one transaction. Interpreted tags refer to `credits` by index.

    `schema` is `ENTITIES_SCHEMA`: after an upgrade the queue may still hold messages of the release before.
    """

    schema: int
    credits: list[Any]
    tracks: list[TrackEntity]
    failures: list[FailedFile]
