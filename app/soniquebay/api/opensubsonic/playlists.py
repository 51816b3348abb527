"""Playlists. Those with rules can be read and not changed, because clients know no rules, and those of files, too."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from soniquebay.api.opensubsonic import elements, ids
from soniquebay.api.opensubsonic.call import Call, Content, Handler
from soniquebay.api.opensubsonic.elements import Element
from soniquebay.api.opensubsonic.errors import GENERIC, MISSING_PARAMETER, NOT_ALLOWED, SubsonicError
from soniquebay.api.opensubsonic.formats import iso_time, known
from soniquebay.api.opensubsonic.parameters import integer
from soniquebay.listeners import items, marks, playlists, users
from soniquebay.listeners.items import Item, UnknownItemError
from soniquebay.listeners.playlists import OutdatedError, Playlist, ReadOnlyError, UnacceptablePlaylistError


def _get_playlists(call: Call) -> Content:
    user, name = call.user, call.parameters.text("username")
    if name and users.name_key(name) != users.name_key(user.name):
        raise SubsonicError(NOT_ALLOWED, "the playlists of other users are not listed, except public ones")
    return {"playlists": {"playlist": [_element(call, p) for p in playlists.visible(call.listeners, user.id)]}}


def _get_playlist(call: Call) -> Content:
    return {"playlist": _with_songs(call, _number(call))}


def _with_songs(call: Call, playlist_id: int) -> Element:
    with _refusing():
        playlist = playlists.find(call.listeners, call.user.id, playlist_id)
    return {**_element(call, playlist), "entry": elements.songs(call, _track_ids(call, playlist))}


def _track_ids(call: Call, playlist: Playlist) -> list[int]:
    """Return the tracks of a playlist whose files are there."""
    if playlist.rules is not None:
        return call.services.smart_lists.track_ids(playlist)
    return present(call, playlists.ENTRIES.read(call.listeners, playlist.id))


def present(call: Call, item_ids: Sequence[int]) -> list[int]:
    """Return the ids of the tracks of items whose files are there; one track may come several times."""
    found = marks.entries(call.listeners, item_ids)
    return [entry.track_id for entry in found if entry.track_id is not None and not entry.is_missing]


def _element(call: Call, playlist: Playlist) -> Element:
    count, seconds = _size(call, playlist)
    is_own = playlist.user_id == call.user.id
    fields = {
        "id": ids.of("playlist", playlist.id),
        "name": playlist.name,
        "comment": playlist.comment,
        "owner": playlist.user_name,
        "public": playlist.is_public,
        "songCount": count,
        "duration": round(seconds),
        "created": iso_time(playlist.created_at),
        "changed": iso_time(playlist.changed_at),
        "coverArt": f"pl-{playlist.id}" if count and playlist.rules is None else None,
        "readonly": not is_own or playlist.rules is not None or playlist.path is not None,
    }
    return known(fields)


def _size(call: Call, playlist: Playlist) -> tuple[int, float]:
    """Return how many songs of a playlist are there, and how long they are in seconds."""
    if playlist.rules is not None:
        found = marks.track_entries(call.listeners, call.services.smart_lists.track_ids(playlist))
        return len(found), sum(entry.duration for entry in found)
    return playlists.size(call.listeners, playlist.id)


def _create(call: Call) -> Content:
    """Make a playlist, or replace the songs of one (`playlistId`); the answer is the playlist."""
    user, given = call.user, call.parameters
    found = _items(call, given.all("songId"))
    name, now = given.text("name"), time.time()
    with _refusing(), call.services.accounts.database.transaction() as db:
        if given.text("playlistId"):
            playlist = playlists.find_own(db, user.id, _number(call))
            playlists.replace(db, playlist, [*items.get_or_add(db, found), *_hidden(call, playlist)], now)
            if name:
                playlists.change(db, playlist, now, name=name)
        elif name:
            playlist = playlists.create(db, user.id, name, "", items.get_or_add(db, found), now)
        else:
            raise SubsonicError(MISSING_PARAMETER, "the parameter name is missing, or playlistId")
    return {"playlist": _with_songs(call, playlist.id)}


def _hidden(call: Call, playlist: Playlist) -> list[int]:
    """Return the items that clients do not see, because their files are missing: a client must not lose them."""
    item_ids = playlists.ENTRIES.read(call.listeners, playlist.id)
    found = marks.entries(call.listeners, item_ids)
    return [item_id for item_id, entry in zip(item_ids, found, strict=True) if entry.is_missing]


def _update(call: Call) -> Content:
    user, given = call.user, call.parameters
    found = _items(call, given.all("songIdToAdd"))
    removed = {integer("songIndexToRemove", text) for text in given.all("songIndexToRemove")}
    now = time.time()
    number = _number(call)
    with _refusing():
        seen = playlists.find_own(call.listeners, user.id, number)
        shown = _shown_positions(call, seen) if removed else []
        if any(not 0 <= position < len(shown) for position in removed):
            raise SubsonicError(GENERIC, "there is no song at one of these positions")
        with call.services.accounts.database.transaction() as db:
            playlist = playlists.find_own(db, user.id, number)
            playlists.check_revision(playlist, seen.revision if removed else None)
            playlists.change(
                db,
                playlist,
                now,
                name=given.text("name") or None,
                comment=given.text("comment") if "comment" in given else None,
                is_public=given.boolean("public", playlist.is_public),
            )
            if removed:
                playlists.remove(db, playlist, {shown[position] for position in removed}, now)
            if found:
                playlists.append(db, playlist, items.get_or_add(db, found), now)
    return {}


def _shown_positions(call: Call, playlist: Playlist) -> list[int]:
    """Return the positions of the entries that clients see: those whose files are missing have none for them."""
    found = marks.entries(call.listeners, playlists.ENTRIES.read(call.listeners, playlist.id))
    return [n for n, entry in enumerate(found) if entry.track_id is not None and not entry.is_missing]


def _delete(call: Call) -> Content:
    user = call.user
    with _refusing(), call.services.accounts.database.transaction() as db:
        playlists.delete(db, playlists.find_own(db, user.id, _number(call, "id")))
    return {}


def _number(call: Call, name: str = "") -> int:
    name = name or ("id" if "id" in call.parameters else "playlistId")
    return ids.number(call.parameters.required(name), "playlist")


def _items(call: Call, texts: Sequence[str]) -> list[Item]:
    return track_items(call, [ids.number(text, "track") for text in texts])


def track_items(call: Call, track_ids: Sequence[int]) -> list[Item]:
    """Return the items of tracks. Raises `SubsonicError` where one is not there."""
    try:
        return items.read(call.listeners, "track", track_ids)
    except UnknownItemError as error:
        raise ids.not_found() from error


@contextmanager
def _refusing() -> Iterator[None]:
    """Raise `SubsonicError` for what the playlists refuse."""
    try:
        yield
    except (UnacceptablePlaylistError, OutdatedError) as error:
        raise SubsonicError(GENERIC, str(error)) from error
    except ReadOnlyError as error:
        raise SubsonicError(NOT_ALLOWED, str(error)) from error
    except LookupError as error:
        raise ids.not_found() from error


METHODS: dict[str, Handler] = {
    "getPlaylists": _get_playlists,
    "getPlaylist": _get_playlist,
    "createPlaylist": _create,
    "updatePlaylist": _update,
    "deletePlaylist": _delete,
}
