"""What a user keeps: stars, ratings, plays, the queue and bookmarks."""

import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.exceptions import RequestValidationError

from soniquebay.api.access import REFUSALS, CurrentUser
from soniquebay.api.models import kept as models
from soniquebay.api.models.fields import Id
from soniquebay.api.models.paging import PageQuery
from soniquebay.api.models.problems import NOT_JSON, Problem, Refused
from soniquebay.api.services import Services, Shared
from soniquebay.library import queries
from soniquebay.library.browsing.cursors import CursorError
from soniquebay.library.queries import Row
from soniquebay.listeners import bookmarks, items, marks, play_queue, plays, ratings, stars
from soniquebay.listeners.items import Item, Kind, UnknownItemError

router = APIRouter(prefix="/api", tags=["kept"], responses=REFUSALS)
NO_USER: dict[int | str, dict[str, Any]] = {
    403: {"model": Problem, "description": "the visitor is no user: a guest, or the machine's administrator"}
}
_UNKNOWN: dict[int | str, dict[str, Any]] = {**NO_USER, 404: {"model": Problem, "description": "no such item"}}
_REFUSED: dict[int | str, dict[str, Any]] = {
    **NOT_JSON,
    **NO_USER,
    422: {"model": Refused, "description": "a track that is not there, a wrong position, or too much"},
}
_ROWS: dict[Kind, Callable[[sqlite3.Connection, Sequence[int]], list[Row]]] = {
    "track": queries.tracks_by_id, "album": queries.albums_by_id, "artist": queries.artists_by_id,
}  # fmt: skip


@router.put("/stars/{kind}/{item_id}", status_code=204, responses=_UNKNOWN)
def star(services: Shared, user: CurrentUser, kind: Kind, item_id: Id) -> None:
    """Give a track, an album or an artist a star."""
    found = _item(services, kind, item_id)
    with services.accounts.database.transaction() as db:
        stars.add(db, user.id, items.get_or_add(db, [found]), time.time())


@router.delete("/stars/{kind}/{item_id}", status_code=204, responses=NO_USER)
def remove_star(services: Shared, user: CurrentUser, kind: Kind, item_id: Id) -> None:
    """Take a star away, if there is one."""
    with services.accounts.database.transaction() as db:
        known = items.id_of(db, kind, item_id)
        if known is not None:
            stars.remove(db, user.id, [known])


@router.put("/ratings/{kind}/{item_id}", status_code=204, responses={**NOT_JSON, **_UNKNOWN})
def rate(services: Shared, user: CurrentUser, kind: Kind, item_id: Id, body: models.Rating) -> None:
    """Rate a track, an album or an artist."""
    found = _item(services, kind, item_id)
    with services.accounts.database.transaction() as db:
        ratings.rate(db, user.id, items.get_or_add(db, [found])[0], body.rating, time.time())


@router.get(
    "/marks/{kind}",
    response_model=models.MarkedTracks | models.MarkedAlbums | models.MarkedArtists,
    responses=NO_USER,
)
def list_marked(services: Shared, user: CurrentUser, kind: Kind, query: Annotated[models.MarkedQuery, Query()]) -> Any:
    """List what one has starred, rated or played, as `tracks`, `albums` or `artists`; without what is missing."""
    db = services.accounts.database.reader()
    try:
        page = marks.page(db, user.id, kind, query.sort, query.limit, query.offset, query.cursor)
    except CursorError as error:
        problem = {"type": "cursor", "loc": ("query", "cursor"), "msg": str(error)}
        raise RequestValidationError([problem]) from error
    return {
        f"{kind}s": _ROWS[kind](services.database.reader(), page.ids),
        "items": marks.of_items(db, user.id, kind, page.ids),
        "next": page.next,
    }


@router.get("/marks/{kind}/by-id", response_model=models.MarksById, responses=NO_USER)
def marks_by_id(
    services: Shared, user: CurrentUser, kind: Kind, query: Annotated[models.MarksByIdQuery, Query()]
) -> Any:
    """Return stars, ratings and plays of up to 500 tracks, albums or artists: `id=1&id=2`."""
    return {"items": marks.of_items(services.accounts.database.reader(), user.id, kind, query.id)}


@router.post("/plays", response_model=models.Recorded, responses=_REFUSED)
def record_play(request: Request, services: Shared, user: CurrentUser, body: models.NewPlay) -> Any:
    """Record that a track was heard. It counts for the album and the artists, too."""
    try:
        played = plays.read_played(services.accounts.database.reader(), body.track_id)
    except UnknownItemError as error:
        raise HTTPException(422, str(error)) from error
    now = time.time()
    at = now if body.played_at is None else min(body.played_at, now)
    with services.accounts.database.transaction() as db:
        recorded = plays.record(db, user.id, played, at, _client(request, body.client))
    services.scrobbler.wake()
    return {"recorded": recorded}


@router.get("/plays", response_model=models.Plays, responses=NO_USER)
def list_plays(services: Shared, user: CurrentUser, query: Annotated[models.PlaysQuery, Query()]) -> Any:
    """List the newest plays."""
    found = plays.recent(services.accounts.database.reader(), user.id, query.limit, query.before)
    return {"items": _with_tracks(services, found)}


@router.get("/queue", response_model=models.Queue, responses=NO_USER)
def get_queue(services: Shared, user: CurrentUser, query: Annotated[PageQuery, Query()]) -> Any:
    """Return a part of the saved queue."""
    db = services.accounts.database.reader()
    queue = play_queue.find(db, user.id) or play_queue.PlayQueue(0, 0, "", 0)
    item_ids = play_queue.ENTRIES.read(db, user.id)
    return {
        "items": entries(services, item_ids[query.offset : query.offset + query.limit]),
        "total": len(item_ids),
        "position": queue.position,
        "position_ms": queue.position_ms,
        "changed_by": queue.changed_by if queue.changed_at else None,
        "changed_at": queue.changed_at or None,
    }


@router.put("/queue", status_code=204, responses=_REFUSED)
def save_queue(request: Request, services: Shared, user: CurrentUser, body: models.NewQueue) -> None:
    """Save the queue, for the user's next device."""
    found = read_tracks(services, body.track_ids)
    try:
        with services.accounts.database.transaction() as db:
            item_ids = items.get_or_add(db, found)
            client = _client(request, body.client)
            play_queue.save(db, user.id, item_ids, body.position, body.position_ms, client, time.time())
    except ValueError as error:
        raise HTTPException(422, str(error)) from error


@router.get("/bookmarks", response_model=models.Bookmarks, responses=NO_USER)
def list_bookmarks(services: Shared, user: CurrentUser) -> Any:
    """List the bookmarks."""
    return {"items": _with_tracks(services, bookmarks.of_user(services.accounts.database.reader(), user.id))}


@router.put("/bookmarks/{track_id}", status_code=204, responses={**_UNKNOWN, **_REFUSED})
def save_bookmark(services: Shared, user: CurrentUser, track_id: Id, body: models.NewBookmark) -> None:
    """Set the bookmark of a track; it has one."""
    found = _item(services, "track", track_id)
    try:
        with services.accounts.database.transaction() as db:
            [item_id] = items.get_or_add(db, [found])
            bookmarks.save(db, user.id, item_id, body.position_ms, body.comment, time.time())
    except ValueError as error:
        raise HTTPException(422, str(error)) from error


@router.delete("/bookmarks/{track_id}", status_code=204, responses=_UNKNOWN)
def remove_bookmark(services: Shared, user: CurrentUser, track_id: Id) -> None:
    """Remove the bookmark of a track."""
    with services.accounts.database.transaction() as db:
        known = items.id_of(db, "track", track_id)
        if known is None or not bookmarks.remove(db, user.id, known):
            raise HTTPException(404, f"no bookmark in track {track_id}")


def read_tracks(services: Services, track_ids: Sequence[int]) -> list[Item]:
    """Return the items of the tracks of a request's body; answer 422 where there is no such track."""
    try:
        return items.read(services.accounts.database.reader(), "track", track_ids)
    except UnknownItemError as error:
        raise HTTPException(422, str(error)) from error


def entries(services: Services, item_ids: Sequence[int]) -> list[Row]:
    """Return the fields of `models.Entry` for items."""
    return _entry_rows(services, marks.entries(services.accounts.database.reader(), item_ids))


def track_entries(services: Services, track_ids: Sequence[int]) -> list[Row]:
    """Return the fields of `models.Entry` for tracks of the library."""
    return _entry_rows(services, marks.track_entries(services.accounts.database.reader(), track_ids))


def _entry_rows(services: Services, found: Sequence[marks.Entry]) -> list[Row]:
    ids = list(dict.fromkeys(entry.track_id for entry in found if entry.track_id is not None))
    tracks = {track["id"]: track for track in queries.tracks_by_id(services.database.reader(), ids)}
    return [
        {
            "title": entry.title, "artist": entry.artist, "album": entry.album, "duration": entry.duration,
            "is_missing": entry.is_missing, "track": tracks.get(entry.track_id or 0),
        }
        for entry in found
    ]  # fmt: skip


def _with_tracks(services: Services, rows: Sequence[Row]) -> list[Row]:
    found = entries(services, [row["item_id"] for row in rows])
    return [{**entry, **row} for entry, row in zip(found, rows, strict=True)]


def _item(services: Services, kind: Kind, library_id: int) -> Item:
    try:
        return items.read(services.accounts.database.reader(), kind, [library_id])[0]
    except UnknownItemError as error:
        raise HTTPException(404, str(error)) from error


def _client(request: Request, name: str | None) -> str:
    return name or request.headers.get("user-agent", "")
