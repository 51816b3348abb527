"""What users keep: marks, plays, the queue, bookmarks and playlists."""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from soniquebay.api.models.albums import Album
from soniquebay.api.models.artists import Artist
from soniquebay.api.models.fields import Id, LibraryPath, UnixTime
from soniquebay.api.models.paging import PageQuery
from soniquebay.api.models.tracks import Track
from soniquebay.listeners import bookmarks, play_queue, playlists, plays, ratings

Milliseconds = Annotated[int, Field(ge=0, le=2**53)]
Client = Annotated[
    str | None,
    Field(max_length=plays.MAX_CLIENT_CHARACTERS, description="what the app calls itself; without it the User-Agent"),
]
Revision = Annotated[
    int | None, Field(default=None, ge=0, le=2**62, description="the one that was read: 409 when it is no longer")
]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Rating(_Request):
    """How much a user likes something."""

    rating: int = Field(ge=0, le=ratings.MAX_RATING, description="from 1 to 5; 0: none")


class Marks(BaseModel):
    """What a user keeps of one track, album or artist."""

    model_config = ConfigDict(from_attributes=True)

    starred_at: float | None = Field(description="Unix time; null: no star")
    rating: int | None
    play_count: int = Field(description="of an album or artist: the plays of its tracks")
    last_played_at: float | None = Field(description="Unix time; null: never, or only as the tags of its file say")


class MarksByIdQuery(_Request):
    """Of which items the marks are asked for."""

    id: list[Id] = Field(min_length=1, max_length=500)


class MarksById(BaseModel):
    """Marks by id. What has none is not there."""

    items: dict[int, Marks]


class MarkedQuery(PageQuery):
    """Which part of a list of marked items."""

    sort: Literal["starred", "rated", "played", "most_played"] = Field(
        default="starred", description="what has this mark: the newest star, highest rating, last or most played first"
    )
    cursor: str | None = Field(
        default=None, min_length=1, max_length=4000, description="`next` of the page before, with the same sort"
    )


class _MarkedPage(MarksById):
    next: str | None = Field(description="the `cursor` of the next page; null at the end")


class MarkedTracks(_MarkedPage):
    """One page of tracks with a mark, and all marks of them."""

    tracks: list[Track]


class MarkedAlbums(_MarkedPage):
    """One page of albums with a mark, and all marks of them."""

    albums: list[Album]


class MarkedArtists(_MarkedPage):
    """One page of artists with a mark, and all marks of them."""

    artists: list[Artist]


class ImportedMarks(BaseModel):
    """For how many tracks something of the tags was taken over."""

    model_config = ConfigDict(from_attributes=True)

    ratings: int
    play_counts: int
    stars: int


class NewPlay(_Request):
    """A track that was heard."""

    track_id: Id
    played_at: float | None = Field(
        default=None, ge=0, le=2**40, description="Unix time at which it began; without it now"
    )
    client: Client = None


class Recorded(BaseModel):
    """What became of a play."""

    recorded: bool = Field(description="false: it was recorded before, with the same track and time")


class Entry(BaseModel):
    """A track of a list, which stays in it also when the library has it no longer."""

    title: str
    artist: str | None
    album: str | None
    duration: float = Field(description="seconds")
    is_missing: bool = Field(description="whether there is no file that could be played")
    track: Track | None = Field(description="null: the track was purged; it returns with its file")


class Play(Entry):
    """A play of a track."""

    played_at: UnixTime
    client: str


class PlaysQuery(_Request):
    """Which plays."""

    limit: int = Field(default=50, ge=1, le=500, description="how many to return at most")
    before: float | None = Field(default=None, ge=0, le=2**40, description="only those before this Unix time")


class Plays(BaseModel):
    """Plays of a user, the newest first."""

    items: list[Play]


TrackIds = Annotated[list[Id], Field(max_length=playlists.MAX_ENTRIES, description="in order; one may come again")]


class NewQueue(_Request):
    """A queue to be saved."""

    track_ids: Annotated[list[Id], Field(max_length=play_queue.MAX_ENTRIES, description="one may come again")]
    position: int = Field(default=0, ge=0, le=2**31, description="of the entry that is played, from 0")
    position_ms: Milliseconds = 0
    client: Client = None


class Queue(BaseModel):
    """A part of the saved queue."""

    items: list[Entry]
    total: int = Field(description="how many entries the queue has")
    position: int = Field(description="of the entry that is played, from 0")
    position_ms: int = Field(description="where in that entry")
    changed_by: str | None = Field(description="the client; null: no queue was saved")
    changed_at: float | None = Field(description="Unix time")


class NewBookmark(_Request):
    """Where to go on in a track."""

    position_ms: Milliseconds
    comment: str = Field(default="", max_length=bookmarks.MAX_COMMENT_CHARACTERS)


class Bookmark(Entry):
    """Where a user goes on in a track."""

    position_ms: int
    comment: str
    created_at: UnixTime
    changed_at: UnixTime


class Bookmarks(BaseModel):
    """The bookmarks of a user, the last changed first."""

    items: list[Bookmark]


_Name = Annotated[str, Field(max_length=4 * playlists.MAX_NAME_CHARACTERS)]
_Comment = Annotated[str, Field(max_length=playlists.MAX_COMMENT_CHARACTERS)]
_Rules = Annotated[
    dict[str, Any] | None, Field(description="of a smart playlist, as Navidrome has them; its tracks follow from them")
]
_IsPublic = Annotated[bool, Field(description="whether all users may read and play it")]


class NewPlaylist(_Request):
    """A playlist to be made."""

    name: _Name
    comment: _Comment = ""
    is_public: _IsPublic = False
    track_ids: TrackIds = []
    rules: _Rules = None


class PlaylistCopy(_Request):
    """What a copy of a playlist is called."""

    name: _Name


class PlaylistChange(_Request):
    """What is to be changed of a playlist."""

    name: _Name | None = None
    comment: _Comment | None = None
    is_public: _IsPublic | None = None
    rules: _Rules = None


class Playlist(BaseModel):
    """A playlist without its entries."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    user_id: int = Field(description="its owner, who alone changes it")
    user_name: str
    name: str
    comment: str
    is_public: _IsPublic
    rules: _Rules
    revision: int = Field(description="it is another one whenever the entries have changed")
    entry_count: int = Field(description="0 of a smart playlist: its `total` is known once its entries are read")
    path: LibraryPath | None = Field(
        description="of the file that it follows, so it can only be read; null: of no file"
    )
    created_at: UnixTime
    changed_at: UnixTime

    @field_validator("rules", mode="before")
    @classmethod
    def _read_rules(cls, value: object) -> object:
        return json.loads(value) if isinstance(value, str) else value


class Playlists(BaseModel):
    """A user's own playlists and the public ones of others, by name."""

    items: list[Playlist]


class PlaylistEntries(BaseModel):
    """A part of the entries of a playlist."""

    items: list[Entry]
    total: int
    revision: int


class NewEntries(_Request):
    """Tracks that become entries."""

    track_ids: TrackIds
    revision: Revision


class RemovedEntries(_Request):
    """Entries to be removed."""

    positions: list[Annotated[int, Field(ge=0, le=2**31)]] = Field(
        min_length=1, max_length=playlists.MAX_ENTRIES, description="from 0"
    )
    revision: Revision


class MovedEntries(_Request):
    """Entries to be moved."""

    position: int = Field(ge=0, le=2**31, description="of the first one, from 0")
    count: int = Field(default=1, ge=1, le=playlists.MAX_ENTRIES)
    to: int = Field(ge=0, le=2**31, description="where the first one is then")
    revision: Revision
