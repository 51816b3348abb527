"""The messages between the stages of the pipeline and to the API."""

from typing import Any, NotRequired

from typing_extensions import TypedDict  # Pydantic reads these classes, and needs this one below Python 3.12

GENRE_SEPARATOR = "\x1f"
ENTITIES_SCHEMA = 3  # of `Entities`; increase it whenever a field is renamed, added or removed


class FileStamp(TypedDict):
    """The stamp of a file: encoded path, size in bytes, modification time in nanoseconds, and that of its companions.

    Without companions there is neither `companions`, which are encoded names, nor their stamp.
    """

    path: str
    size: int
    mtime_ns: int
    companions: NotRequired[list[str]]
    companion_stamp: NotRequired[int]


class FilePart(TypedDict):
    """A part of a file that is a track of its own; `start` and `duration` in seconds."""

    start: float
    duration: float
    tags: dict[str, str | list[str]]


class FileTags(FileStamp):
    """A file that was read: `tags` and `sound` are those of `audio.reading.content.FileContent.as_dict`.

    With `parts` these are its tracks, and not the file. `remarks` tell what was wrong with its companions.
    """

    tags: dict[str, str | list[str]]
    sound: dict[str, Any]
    has_picture: NotRequired[bool]
    parts: NotRequired[list[FilePart]]
    remarks: NotRequired["list[FailedFile]"]
    doubtful_text: NotRequired[bool]


class FailedFile(TypedDict):
    """A file that could not be taken in, and why.

    `bad_content`: it could be read but holds no audio. `is_companion`: not music, but what lies beside it or in it.
    `is_left_out`: nothing is wrong with it, it is only of no use here.
    """

    path: str
    reason: str
    bad_content: NotRequired[bool]
    is_companion: NotRequired[bool]
    is_left_out: NotRequired[bool]


class LeftOut(TypedDict):
    """How many files and folders a scan has left out for one reason, and the encoded path of one of them."""

    reason: str
    files: int
    folders: int
    example: str


class TrackEntity(FileStamp):
    """A track: what its file says (`tags` and `sound`, as JSON), and that interpreted.

    `part` is 0 for a whole file; parts count from 1.
    """

    part: int
    start: float  # seconds
    fingerprint: int
    mbid: str | None  # MusicBrainz recording
    tags: str
    sound: str
    interpreted: list[Any]  # the fields of `catalogue.interpret.TrackTags`
    duration: float  # seconds
    format: str
    has_picture: bool
    doubtful_text: bool


class Entities(TypedDict):
    """One batch, to be inserted in one transaction. Interpreted tags refer to `credits` by index.

    `schema` is `ENTITIES_SCHEMA`: after an upgrade the queue may still hold messages of the release before.
    """

    schema: int
    credits: list[Any]
    tracks: list[TrackEntity]
    failures: list[FailedFile]
