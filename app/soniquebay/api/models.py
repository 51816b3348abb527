"""What the API answers, as its OpenAPI description tells it."""

from typing import Annotated, Literal

from fastapi import Query
from pydantic import BaseModel, Field

Limit = Annotated[int, Query(ge=1, le=500, description="how many to return")]
Offset = Annotated[int, Query(ge=0, le=2**31, description="how many to leave out before")]
Id = Annotated[int, Field(ge=1, le=2**62)]


class Track(BaseModel):
    """A track; `duration` in seconds, `bpm` in beats a minute, `musical_key` as "A minor".

    In `path` a byte that is not UTF-8 reads \\xNN and a backslash is doubled.
    """

    id: int
    title: str
    artist_id: int
    artist: str
    album_id: int | None
    album: str | None
    album_artist: str | None
    track_no: int | None
    disc_no: int | None
    year: int | None
    duration: float
    format: str
    mbid: str | None
    path: str
    missing_since: float | None
    genres: list[str]
    bpm: float | None
    musical_key: str | None
    has_vector: bool
    vector_failure: str | None


class SimilarTrack(Track):
    """A track and how near it is, from 0 to 1 for the same."""

    similarity: float


class Album(BaseModel):
    """An album; its artist is the album's own, not that of each track.

    From `type` on as MusicBrainz has it, once it was asked; `release_date` is a year, a month or a day.
    """

    id: int
    title: str
    artist_id: int
    artist: str
    year: int | None
    mbid: str | None
    has_cover: bool
    tracks: int
    type: str | None
    release_date: str | None
    label: str | None
    release_group_mbid: str | None
    genres: list[str]


class Artist(BaseModel):
    """An artist with the number of tracks performed and albums owned.

    From `canonical_name` on as MusicBrainz has it, once it was asked; `country` is an ISO 3166 code.
    """

    id: int
    name: str
    mbid: str | None
    tracks: int
    albums: int
    canonical_name: str | None
    sort_name: str | None
    type: str | None
    country: str | None
    genres: list[str]


class Failure(BaseModel):
    """What could not be taken in, at which stage, and why."""

    path: str
    stage: str
    reason: str


Status = Literal["running", "paused", "completed", "cancelled"]


class ScanRequest(BaseModel):
    """What to scan: by default everything.

    `folders`: encoded paths of folders below the roots, scanned instead of all. `confirm_removal`: what is not found
    was removed, even where a whole root is gone or empty; without it such a root's tracks stay as they are.
    """

    folders: list[str] | None = Field(default=None, min_length=1, max_length=1000)
    confirm_removal: bool = False


class Session(BaseModel):
    """A scan; times in Unix seconds. `files`: found so far; `files_done`: the changed ones that are through.

    `moved`: known files found in another place; `missing`: known files no longer there; `protected`: known files not
    found that stay as they are, for their whole root is gone or empty and nobody has confirmed that it was removed.
    """

    id: int
    status: Status
    started_at: float
    finished_at: float | None
    discovered: bool
    files: int
    unchanged: int
    files_changed: int
    files_done: int
    failures: int
    moved: int
    missing: int
    protected: int
    folders: list[str] | None


class Totals(BaseModel):
    """How much the library holds; `missing` tracks, whose files are not there, are in none of the others."""

    tracks: int
    missing: int
    albums: int
    artists: int
    vectors: int
    vector_failures: int


class SessionDetail(Session):
    """A scan, how far it has come, and what the library holds."""

    progress: "Progress"
    library: Totals


class Progress(BaseModel):
    """How far a scan has come; the data of each `scan` event of `/api/events`.

    `finished` counts files that need nothing more (unchanged, failed, or inserted and analysed). `percent` speaks of
    all stages together: 0 until every file is found, then it only grows. `rate` is in files a minute: searchable ones
    while files are inserted, then analysed ones. `library_vectors_waiting` counts the tracks of all scans that wait for
    analysis. `seconds_left` is the time until none waits any more; it is null while it cannot be told.
    """

    session_id: int
    status: Status
    phase: Literal["discovering", "inserting", "analysing", "done", "paused", "cancelled"]
    files: int
    inserted: int
    finished: int
    failures: int
    vectors_waiting: int
    library_vectors_waiting: int
    vector_failures: int
    percent: float
    rate: float
    seconds: float
    seconds_left: int | None


class Started(BaseModel):
    """The session that now runs."""

    session_id: int
    status: Literal["running"] = "running"


class Running(BaseModel):
    """Why no scan was started: one is under way."""

    detail: str
    session_id: int
    status: Literal["running", "paused"]


class SessionState(BaseModel):
    """A scan and the state it is in now."""

    session_id: int
    status: Status


class Problem(BaseModel):
    """What is wrong with the request."""

    detail: str


class Invalid(BaseModel):
    """A field that is not as described."""

    loc: list[str | int]
    msg: str
    type: str


class Refused(BaseModel):
    """What cannot be done: why, or which fields are not as described."""

    detail: str | list[Invalid]


class TrackPage(BaseModel):
    """Some tracks of `total`."""

    items: list[Track]
    total: int


class AlbumPage(BaseModel):
    """Some albums of `total`."""

    items: list[Album]
    total: int


class ArtistPage(BaseModel):
    """Some artists of `total`."""

    items: list[Artist]
    total: int


class SessionPage(BaseModel):
    """Some scan sessions of `total`, the newest first."""

    items: list[Session]
    total: int


class FailurePage(BaseModel):
    """Some failures of `total`."""

    items: list[Failure]
    total: int


class Similar(BaseModel):
    """The nearest tracks, nearest first."""

    items: list[SimilarTrack]


class Health(BaseModel):
    """`ok` only if database, Redis and a worker all answered; each part says `ok` or what is wrong with it."""

    status: Literal["ok", "unhealthy"]
    version: str
    database: str
    redis: str
    worker: str


class OnlineService(BaseModel):
    """A service on the internet: look-ups due, failures in a row and why, and when it is asked again (Unix seconds)."""

    name: Literal["musicbrainz", "coverart"]
    due: int
    failures: int
    reason: str | None
    retry_at: float | None


class OnlineState(BaseModel):
    """Whether the internet is asked at all, and how its services are."""

    online: bool
    services: list[OnlineService]


class WatchedRoot(BaseModel):
    """A folder of music: whether the kernel tells of changes, it is scanned now and then, or it is not there.

    `folders`: how many are watched. One with a part that tells nothing is polled, and watched where it can be.
    """

    path: str
    mode: Literal["notify", "poll", "absent"]
    folders: int


class WatchState(BaseModel):
    """Whether changes are scanned by themselves, and how many changed folders wait for a scan."""

    watch: Literal["on", "off", "poll"]
    ready: bool
    waiting: int
    roots: list[WatchedRoot]


class WorkerProcesses(BaseModel):
    """The processes of one worker, by process id, and how many tasks run in them."""

    processes: list[int]
    active: int


class WorkerState(BaseModel):
    """The workers that answered, by name."""

    workers: dict[str, WorkerProcesses]
