"""What the API accepts and answers, as its OpenAPI description shows it."""

from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

Limit = Annotated[int, Query(ge=1, le=500, description="how many to return at most")]
Offset = Annotated[int, Query(ge=0, le=2**31, description="how many to skip")]
Id = Annotated[int, Field(ge=1, le=2**62)]
UnixTime = Annotated[float, Field(description="seconds since 1970-01-01 UTC")]
EncodedPath = Annotated[str, Field(description="a byte that is not UTF-8 reads \\xNN, and a backslash is doubled")]


class PageQuery(BaseModel):
    """Which part of a list to return. A parameter that is not described is refused."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=50, ge=1, le=500, description="how many to return at most")
    offset: int = Field(default=0, ge=0, le=2**31, description="how many to skip")


class Credit(BaseModel):
    """An artist, and what the artist does here."""

    id: int
    name: str = Field(description="as credited")
    role: str = Field(description='for example "artist", "album_artist", "composer" or "performer"')
    detail: str | None = Field(default=None, description="a performer's instrument")


class Track(BaseModel):
    """A track: one audio file, or a part of one that a cue sheet describes."""

    id: int
    title: str
    artist_id: int
    artist: str = Field(description="the performers as they are tagged")
    album_id: int | None
    album: str | None
    album_artist: str | None
    track_no: int | None
    disc_no: int | None
    disc_subtitle: str | None
    year: int | None = Field(description="of the track, else of its album")
    date: str | None = Field(description="of this edition: a year, a month or a day, as exact as it is tagged")
    original_date: str | None = Field(description="of the first edition")
    artists: list[Credit] = Field(description='those with the role "artist"; those of one track alone, with all roles')
    duration: float = Field(description="seconds")
    format: str = Field(description='for example "FLAC"')
    mbid: str | None = Field(description="MusicBrainz's id of the recording")
    path: EncodedPath
    part: int = Field(
        description="0: the track is the whole file; else its number among the tracks of the file, from 1"
    )
    start_seconds: float = Field(description="where the track begins in its file")
    added_at: UnixTime
    missing_since: float | None = Field(
        description="when a scan noticed that the file is missing, or is divided into other tracks, in seconds since "
        "1970-01-01 UTC; null: it is there"
    )
    genres: list[str]
    bpm: float | None = Field(description="tempo in beats a minute")
    musical_key: str | None = Field(description='tonic and mode, for example "A minor"')
    has_vector: bool
    vector_failure: str | None = Field(description="why the track has no vector, when its analysis failed")


class Sound(BaseModel):
    """The properties of a file's sound; null where its format does not state them."""

    codec: str | None = Field(default=None, description='for example "AAC"')
    bit_rate: int | None = Field(default=None, description="bits a second")
    sample_rate: int | None = Field(default=None, description="Hz")
    channels: int | None = None
    bit_depth: int | None = Field(default=None, description="bits a sample, of lossless codecs")


class FullTrack(Track):
    """A track with everything that its file says."""

    tags: dict[str, Any] = Field(
        description="all tags by one name for every format, such as comment, lyrics, synced_lyrics, label, isrc, mood, "
        "grouping, work, movement, title_sort. A text, or a list of texts where the file has several. Numbers: bpm, "
        "rating (0 to 100), play_count, totals, and the gains of ReplayGain and R128 in dB"
    )
    sound: Sound
    doubtful_text: bool = Field(
        description="whether some text can hardly be in the code page that the file states; "
        "SONIQUEBAY_TAG_ENCODING names the right one"
    )


class SimilarTrack(Track):
    """A track and how similar it is to another."""

    similarity: float = Field(description="from 0 to 1; 1 is the same sound")


class Album(BaseModel):
    """An album. From `type` on the fields are MusicBrainz's, and empty until MusicBrainz has answered."""

    id: int
    title: str
    artist_id: int
    artist: str = Field(description="the album's artist, not that of each track")
    year: int | None
    date: str | None = Field(description="of this edition: a year, a month or a day, as exact as it is tagged")
    original_date: str | None = Field(description="of the first edition")
    compilation: bool
    added_at: UnixTime
    mbid: str | None = Field(description="MusicBrainz's id of the release")
    has_cover: bool
    tracks: int = Field(description="how many, without missing ones")
    type: str | None = Field(description='for example "Album" or "Single"')
    release_date: str | None = Field(description="a year, a month or a day: 1997, 1997-05, 1997-05-21")
    label: str | None
    release_group_mbid: str | None
    genres: list[str]


class Disc(BaseModel):
    """A disc of an album."""

    disc_no: int | None
    subtitle: str | None
    tracks: list[Track]


class FullAlbum(Album):
    """An album with its tracks. What most of its files say of it comes from their tags; empty without one."""

    artists: list[Credit]
    discs: list[Disc]
    duration: float = Field(description="seconds of all tracks")
    formats: list[str]
    release_types: list[str] = Field(description='as tagged, for example "album" and "live"')
    release_country: str | None
    labels: list[str]
    catalog_numbers: list[str]
    barcode: str | None
    replaygain_album_gain: float | None = Field(description="dB, on the scale of ReplayGain")
    replaygain_album_peak: float | None = Field(description="1 is full scale")


class Artist(BaseModel):
    """An artist. From `canonical_name` on the fields are MusicBrainz's, and empty until MusicBrainz has answered."""

    id: int
    name: str
    added_at: UnixTime
    mbid: str | None = Field(description="MusicBrainz's id of the artist")
    tracks: int = Field(description="how many the artist performs, without missing ones")
    albums: int = Field(description="how many albums have the artist as their own")
    canonical_name: str | None
    sort_name: str | None
    type: str | None = Field(description='for example "Person" or "Group"')
    country: str | None = Field(description="ISO 3166-1 code")
    genres: list[str]


class RoleTracks(BaseModel):
    """In how many tracks an artist has a role."""

    role: str
    tracks: int


class FullArtist(Artist):
    """An artist with roles and albums, each list at most 500 albums by year."""

    names: list[str] = Field(description="as the credits spell the artist")
    roles: list[RoleTracks]
    own_albums: list[Album] = Field(description="the albums whose artist it is")
    appears_on: list[Album] = Field(description="other albums with a track that credits the artist, in whatever role")


class Genre(BaseModel):
    """A genre. Missing tracks do not count."""

    id: int
    name: str
    tracks: int
    albums: int


class Failure(BaseModel):
    """A file or folder that a scan could not process."""

    path: EncodedPath
    stage: str = Field(description="where in the pipeline it failed")
    reason: str


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
    doubtful_texts: int = Field(
        description="tracks with text that can hardly be in the code page that their files state"
    )


class SessionDetail(Session):
    """A scan session, what it left out, its progress, and what the library holds."""

    left_out: list[LeftOut] = Field(description="by reason; empty until discovery has ended")
    progress: "Progress"
    library: Totals


class Progress(BaseModel):
    """How far a scan has come; the data of each `scan` event of `/api/events`."""

    session_id: int
    status: Status
    phase: Literal["discovering", "inserting", "analysing", "done", "paused", "cancelled"]
    files: int = Field(description='files found so far; final once `phase` has left "discovering"')
    inserted: int = Field(description="files that are unchanged, inserted or failed")
    finished: int = Field(description="files that need nothing more: unchanged, failed, or inserted and analysed")
    failures: int = Field(description="files and folders that could not be processed")
    vectors_waiting: int = Field(description="tracks of this scan that wait for analysis")
    library_vectors_waiting: int = Field(description="tracks of all scans that wait for analysis")
    vector_failures: int = Field(description="tracks of this scan whose analysis failed")
    percent: float = Field(description="of all stages together; 0 until every file is found, then it only grows")
    rate: float = Field(description="files a minute: inserted ones, and once all are inserted, analysed ones")
    seconds: float = Field(description="seconds that the scan took so far, without the analysis after it")
    seconds_left: int | None = Field(
        description="seconds until no track of any scan waits for analysis; null while that cannot be estimated"
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


class Problem(BaseModel):
    """Why a request failed."""

    detail: str


class Invalid(BaseModel):
    """A field of a request that is not as described."""

    loc: list[str | int] = Field(description='where it is, for example ["query", "limit"]')
    msg: str
    type: str = Field(description="Pydantic's name of the error")


class Refused(BaseModel):
    """Why a request was refused, or which of its fields are not as described."""

    detail: str | list[Invalid]


class TrackPage(BaseModel):
    """One page of tracks."""

    items: list[Track]
    total: int | None = Field(description="how many there are on all pages; null where they were not counted")
    next: str | None = Field(default=None, description="the `cursor` of the next page; null at the end")


class AlbumPage(BaseModel):
    """One page of albums."""

    items: list[Album]
    total: int | None = Field(description="how many there are on all pages; null where they were not counted")
    next: str | None = Field(default=None, description="the `cursor` of the next page; null at the end")


class ArtistPage(BaseModel):
    """One page of artists."""

    items: list[Artist]
    total: int | None = Field(description="how many there are on all pages; null where they were not counted")
    next: str | None = Field(default=None, description="the `cursor` of the next page; null at the end")


class GenrePage(BaseModel):
    """One page of genres."""

    items: list[Genre]
    total: int | None = Field(description="how many there are on all pages; null where they were not counted")
    next: str | None = Field(default=None, description="the `cursor` of the next page; null at the end")


class Found(BaseModel):
    """What all answers of a search have in common."""

    total: int = Field(description="how many there are on all pages, counted up to 10,000")
    complete: bool = Field(
        description="false for the minutes after an upgrade in which the search index is made anew: some are not found"
    )


class FoundTracks(Found):
    """One page of the tracks that a search found, best first."""

    items: list[Track]


class FoundAlbums(Found):
    """One page of the albums that a search found, best first."""

    items: list[Album]


class FoundArtists(Found):
    """One page of the artists that a search found, best first."""

    items: list[Artist]


class FoundGenres(Found):
    """One page of the genres that a search found, best first."""

    items: list[Genre]


class FoundAll(BaseModel):
    """The best tracks, albums, artists and genres that a search found."""

    tracks: FoundTracks
    albums: FoundAlbums
    artists: FoundArtists
    genres: FoundGenres


class SessionPage(BaseModel):
    """One page of scan sessions, the newest first."""

    items: list[Session]
    total: int = Field(description="how many there are on all pages")


class FailurePage(BaseModel):
    """One page of failures."""

    items: list[Failure]
    total: int = Field(description="how many there are on all pages")


class Similar(BaseModel):
    """The most similar tracks, the most similar one first."""

    items: list[SimilarTrack]


class Health(BaseModel):
    """Whether the database, Redis and a worker answered. Each part is `ok`, or says what is wrong with it."""

    status: Literal["ok", "unhealthy"] = Field(description="`ok` only when all three parts are")
    version: str
    database: str
    redis: str
    worker: str


class OnlineService(BaseModel):
    """A service on the internet."""

    name: Literal["musicbrainz", "coverart"]
    due: int = Field(description="lookups that are due")
    failures: int = Field(description="failures in a row; 0 while the service answers")
    reason: str | None = Field(description="of the last failure")
    retry_at: float | None = Field(description="when it is asked again, in seconds since 1970-01-01 UTC")


class OnlineState(BaseModel):
    """Whether the appliance asks services on the internet, and how these are."""

    online: bool
    services: list[OnlineService]


class WatchedRoot(BaseModel):
    """A root and how its changes are noticed."""

    path: EncodedPath
    mode: Literal["notify", "poll", "absent"] = Field(
        description="`notify`: the kernel reports changes; `poll`: a part of it reports none, so everything is scanned "
        "from time to time; `absent`: it is not there"
    )
    folders: int = Field(description="how many of its folders the kernel watches")


class WatchState(BaseModel):
    """Whether changes are scanned without a request."""

    watch: Literal["on", "off", "poll"] = Field(description="the setting SONIQUEBAY_WATCH")
    ready: bool = Field(description="every folder is watched")
    waiting: int = Field(description="changed folders that wait for a scan")
    roots: list[WatchedRoot]


class WorkerProcesses(BaseModel):
    """The child processes of one worker."""

    processes: list[int] = Field(description="their process ids")
    active: int = Field(description="how many tasks run in them")


class WorkerState(BaseModel):
    """The workers that answered, by name."""

    workers: dict[str, WorkerProcesses]
