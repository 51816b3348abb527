"""Scan sessions: what to scan, how far it has come, and what it found."""

from typing import Literal

from pydantic import BaseModel, Field

from soniquebay.api.models.fields import EncodedPath, UnixTime

Status = Literal["running", "paused", "completed", "cancelled"]


class ScanRequest(BaseModel):
    """What to scan."""

    folders: list[str] | None = Field(
        default=None,
        min_length=1,
        max_length=1000,
        description="encoded paths of folders below the roots; without it every root is scanned",
    )
    confirm_removal: bool = Field(
        default=False,
        description="files that are not found were removed, even where a whole root is gone or empty; without it the "
        "tracks of such a root stay as they are",
    )
    full: bool = Field(
        default=False,
        description="every file is read again, also one that is unchanged; ids, vectors and the time when a track was "
        "added stay",
    )


class Started(BaseModel):
    """The session of the scan that has been started."""

    session_id: int
    status: Literal["running"] = "running"


class Running(BaseModel):
    """Why no scan was started: another one is running or paused."""

    detail: str
    session_id: int = Field(description="the session of the other scan")
    status: Literal["running", "paused"]


class SessionState(BaseModel):
    """A scan session and its status after the change."""

    session_id: int
    status: Status


class Session(BaseModel):
    """A scan session."""

    id: int
    status: Status
    started_at: UnixTime
    finished_at: UnixTime | None
    discovered: bool = Field(description="discovery has ended, so `files` is final")
    files: int = Field(description="files found so far: `unchanged` and `files_changed`")
    unchanged: int = Field(description="known files that are as they were")
    files_changed: int = Field(description="files to read: new and changed ones, all of them when `full` is true")
    files_done: int = Field(description="those of `files_changed` that are inserted or failed")
    failures: int = Field(description="files and folders that could not be processed")
    moved: int = Field(description="known files found in another place")
    missing: int = Field(description="known files that are no longer there")
    protected: int = Field(
        description="known files that were not found and stay as they are, because their whole root is gone or empty "
        "and nobody has confirmed that it was removed"
    )
    folders: list[str] | None = Field(description="encoded paths of the folders it was limited to; null: every root")
    full: bool = Field(description="unchanged files are read again too")


class LeftOut(BaseModel):
    """What a scan has left out for one reason."""

    reason: str = Field(description='for example "recycle bin" or "format is not read: RealAudio"')
    files: int = Field(description="audio files")
    folders: int = Field(description="folders that were not entered, with all that they hold")
    example: EncodedPath = Field(description="one of them")


class Totals(BaseModel):
    """How much the library holds. Missing tracks count in `missing` alone."""

    tracks: int
    missing: int = Field(description="tracks whose files are not there, or are divided into other tracks")
    albums: int
    artists: int
    vectors: int = Field(description="tracks that have a vector")
    vector_failures: int = Field(description="tracks whose analysis failed")
    loudness_waiting: int = Field(description="tracks that wait until their loudness is measured")
    doubtful_texts: int = Field(
        description="tracks with text that can hardly be in the code page that their files state"
    )


class Progress(BaseModel):
    """How far a scan has come; the data of each `scan` event of `/api/events`."""

    session_id: int
    status: Status
    phase: Literal["discovering", "inserting", "analysing", "done", "paused", "cancelled"]
    files: int = Field(description='files found so far; final once `phase` has left "discovering"')
    inserted: int = Field(description="files that are unchanged, inserted or failed")
    finished: int = Field(description="files that need nothing more: unchanged, failed, or inserted and analysed")
    failures: int = Field(description="files and folders that could not be processed")
    folder: str | None = Field(
        description="the folder of the last files that were inserted, encoded, from the folder of music on"
    )
    vectors_waiting: int = Field(description="tracks of this scan that wait for analysis")
    library_vectors_waiting: int = Field(description="tracks of all scans that wait for analysis")
    vector_failures: int = Field(description="tracks of this scan whose analysis failed")
    percent: float = Field(description="of all stages together; 0 until every file is found, then it only grows")
    rate: float = Field(description="files a minute: inserted ones, and once all are inserted, analysed ones")
    seconds: float = Field(description="seconds that the scan took so far, without the analysis after it")
    seconds_left: int | None = Field(
        description="seconds until no track of any scan waits for analysis; null while that cannot be estimated"
    )


class SessionDetail(Session):
    """A scan session, what it left out, its progress, and what the library holds."""

    left_out: list[LeftOut] = Field(description="by reason; empty until discovery has ended")
    progress: Progress
    library: Totals


class SessionPage(BaseModel):
    """One page of scan sessions, the newest first."""

    items: list[Session]
    total: int = Field(description="how many there are on all pages")


class Failure(BaseModel):
    """A file or folder that a scan could not process."""

    path: EncodedPath
    stage: str = Field(description="where in the pipeline it failed")
    reason: str


class FailurePage(BaseModel):
    """One page of failures."""

    items: list[Failure]
    total: int = Field(description="how many there are on all pages")
