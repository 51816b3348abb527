"""Playlists: own and public ones, their entries, and as files."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Query, Response

from soniquebay.api.access import REFUSALS, CurrentUser
from soniquebay.api.kept import NO_USER, entries, read_tracks, track_entries
from soniquebay.api.models import kept as models
from soniquebay.api.models.fields import Id
from soniquebay.api.models.paging import PageQuery
from soniquebay.api.models.problems import NOT_JSON, Problem, Refused
from soniquebay.api.services import Services, Shared
from soniquebay.listeners import items, marks, playlists, rules
from soniquebay.listeners.m3u import m3u8
from soniquebay.listeners.playlists import OutdatedError, Playlist, ReadOnlyError, UnacceptablePlaylistError
from soniquebay.listeners.rules import UnacceptableRulesError
from soniquebay.listeners.users import User

router = APIRouter(prefix="/api/playlists", tags=["playlists"], responses=REFUSALS)
_NOT_FOUND: dict[int | str, dict[str, Any]] = {**NO_USER, 404: {"model": Problem, "description": "no such playlist"}}
_REFUSED: dict[int | str, dict[str, Any]] = {
    **NOT_JSON,
    **_NOT_FOUND,
    403: {"model": Problem, "description": "it is another user's, or the visitor is no user"},
    422: {"model": Refused, "description": "a name, a position or a track that is not accepted, or too much"},
}
_CHANGED: dict[int | str, dict[str, Any]] = {
    **_REFUSED, 409: {"model": Problem, "description": "it has another revision now"}
}  # fmt: skip


@router.get("", response_model=models.Playlists, responses=NO_USER)
def list_playlists(services: Shared, user: CurrentUser) -> Any:
    """List one's own playlists and the public ones of others."""
    return {"items": playlists.visible(services.accounts.database.reader(), user.id)}


@router.post("", status_code=201, response_model=models.Playlist, responses=_REFUSED)
def create_playlist(services: Shared, user: CurrentUser, body: models.NewPlaylist) -> Any:
    """Make a playlist."""
    found = read_tracks(services, body.track_ids)
    if found and body.rules is not None:
        raise HTTPException(422, "a playlist has either tracks or rules")
    with _answering(), services.accounts.database.transaction() as db:
        return playlists.create(
            db,
            user.id,
            body.name,
            body.comment,
            items.get_or_add(db, found),
            time.time(),
            is_public=body.is_public,
            rules=None if body.rules is None else rules.checked(body.rules),
        )


@router.get("/{playlist_id}", response_model=models.Playlist, responses=_NOT_FOUND)
def get_playlist(services: Shared, user: CurrentUser, playlist_id: Id) -> Any:
    """Return a playlist without its entries."""
    return _readable(services, user, playlist_id)


@router.patch("/{playlist_id}", response_model=models.Playlist, responses=_REFUSED)
def change_playlist(services: Shared, user: CurrentUser, playlist_id: Id, body: models.PlaylistChange) -> Any:
    """Change the name, the comment or the rules, or who may read it."""
    given = body.model_dump(exclude_none=True)
    if body.rules is not None:
        with _answering():
            given["rules"] = rules.checked(body.rules)
    return _change(
        services, user, playlist_id, lambda db, playlist: playlists.change(db, playlist, time.time(), **given)
    )


@router.delete("/{playlist_id}", status_code=204, responses=_REFUSED)
def delete_playlist(services: Shared, user: CurrentUser, playlist_id: Id) -> None:
    """Delete a playlist."""
    with _answering(), services.accounts.database.transaction() as db:
        playlists.delete(db, playlists.find_own(db, user.id, playlist_id))


@router.post("/{playlist_id}/copy", status_code=201, response_model=models.Playlist, responses=_REFUSED)
def copy_playlist(services: Shared, user: CurrentUser, playlist_id: Id, body: models.PlaylistCopy) -> Any:
    """Make a playlist of one's own with the entries or rules of one that can be read, also where files are missing."""
    with _answering(), services.accounts.database.transaction() as db:
        original = playlists.find(db, user.id, playlist_id)
        item_ids = playlists.ENTRIES.read(db, playlist_id)
        return playlists.create(db, user.id, body.name, original.comment, item_ids, time.time(), rules=original.rules)


@router.get("/{playlist_id}/entries", response_model=models.PlaylistEntries, responses=_NOT_FOUND)
def list_entries(services: Shared, user: CurrentUser, playlist_id: Id, query: Annotated[PageQuery, Query()]) -> Any:
    """List entries. Those whose file is missing are there, too."""
    playlist = _readable(services, user, playlist_id)
    if playlist.rules is not None:
        ids = services.smart_lists.track_ids(playlist)
        part = ids[query.offset : query.offset + query.limit]
        return {"items": track_entries(services, part), "total": len(ids), "revision": playlist.revision}
    item_ids = playlists.ENTRIES.read(services.accounts.database.reader(), playlist.id)
    return {
        "items": entries(services, item_ids[query.offset : query.offset + query.limit]),
        "total": len(item_ids),
        "revision": playlist.revision,
    }


@router.put("/{playlist_id}/entries", response_model=models.Playlist, responses=_CHANGED)
def replace_entries(services: Shared, user: CurrentUser, playlist_id: Id, body: models.NewEntries) -> Any:
    """Replace all entries."""
    found = read_tracks(services, body.track_ids)

    def replace(db: sqlite3.Connection, playlist: Playlist) -> None:
        playlists.replace(db, playlist, items.get_or_add(db, found), time.time())

    return _change(services, user, playlist_id, replace, body.revision)


@router.post("/{playlist_id}/entries", response_model=models.Playlist, responses=_CHANGED)
def append_entries(services: Shared, user: CurrentUser, playlist_id: Id, body: models.NewEntries) -> Any:
    """Add entries at the end."""
    found = read_tracks(services, body.track_ids)

    def append(db: sqlite3.Connection, playlist: Playlist) -> None:
        playlists.append(db, playlist, items.get_or_add(db, found), time.time())

    return _change(services, user, playlist_id, append, body.revision)


@router.post("/{playlist_id}/entries/remove", response_model=models.Playlist, responses=_CHANGED)
def remove_entries(services: Shared, user: CurrentUser, playlist_id: Id, body: models.RemovedEntries) -> Any:
    """Remove the entries at some positions."""

    def remove(db: sqlite3.Connection, playlist: Playlist) -> None:
        playlists.remove(db, playlist, body.positions, time.time())

    return _change(services, user, playlist_id, remove, body.revision)


@router.post("/{playlist_id}/entries/move", response_model=models.Playlist, responses=_CHANGED)
def move_entries(services: Shared, user: CurrentUser, playlist_id: Id, body: models.MovedEntries) -> Any:
    """Move entries that follow each other to another position."""

    def move(db: sqlite3.Connection, playlist: Playlist) -> None:
        playlists.move(db, playlist, body.position, body.count, body.to, time.time())

    return _change(services, user, playlist_id, move, body.revision)


@router.get("/{playlist_id}/m3u8", response_class=Response, responses=_NOT_FOUND)
def export_playlist(services: Shared, user: CurrentUser, playlist_id: Id) -> Response:
    """Return a playlist as an M3U8 file, for the folder of music: its paths are relative to that."""
    db = services.accounts.database.reader()
    playlist = _readable(services, user, playlist_id)
    if playlist.rules is None:
        found = marks.entries(db, playlists.ENTRIES.read(db, playlist.id))
    else:
        found = marks.track_entries(db, services.smart_lists.track_ids(playlist))
    name = quote(f"{playlist.name}.m3u8".replace("/", "_"), safe="")
    return Response(
        m3u8(playlist.name, found, services.settings.music),
        media_type="audio/x-mpegurl; charset=utf-8",
        headers={"Content-Disposition": f"attachment; filename*=UTF-8''{name}"},
    )


def _change(
    services: Services,
    user: User,
    playlist_id: int,
    change: Callable[[sqlite3.Connection, Playlist], None],
    revision: int | None = None,
) -> Playlist:
    with _answering(), services.accounts.database.transaction() as db:
        playlist = playlists.find_own(db, user.id, playlist_id)
        playlists.check_revision(playlist, revision)
        change(db, playlist)
        return playlists.find(db, user.id, playlist_id)


def _readable(services: Services, user: User, playlist_id: int) -> Playlist:
    with _answering():
        return playlists.find(services.accounts.database.reader(), user.id, playlist_id)


@contextmanager
def _answering() -> Iterator[None]:
    """Answer 403, 404, 409 or 422 to what is refused."""
    try:
        yield
    except (UnacceptablePlaylistError, UnacceptableRulesError) as error:
        raise HTTPException(422, str(error)) from error
    except ReadOnlyError as error:
        raise HTTPException(403, str(error)) from error
    except OutdatedError as error:
        raise HTTPException(409, str(error)) from error
    except LookupError as error:
        raise HTTPException(404, str(error)) from error
