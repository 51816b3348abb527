"""The play queue and bookmarks: where a user's next device goes on."""

import time
from typing import Any

from soniquebay.api.opensubsonic import elements, ids
from soniquebay.api.opensubsonic.call import Call, Content, Handler
from soniquebay.api.opensubsonic.errors import GENERIC, MISSING_PARAMETER, SubsonicError
from soniquebay.api.opensubsonic.formats import iso_time
from soniquebay.api.opensubsonic.parameters import integer
from soniquebay.api.opensubsonic.playlists import track_items
from soniquebay.listeners import bookmarks, items, marks, play_queue

MAX_POSITION_MS = 2**53


def _get(call: Call) -> Content:
    found = _saved(call)
    if found is None:
        return {"playQueue": _nothing(call)}
    fields, tracks, position = found
    if tracks:
        fields["current"] = ids.of("track", tracks[position])
    return {"playQueue": {**fields, "entry": elements.songs(call, tracks)}}


def _get_by_index(call: Call) -> Content:
    found = _saved(call)
    if found is None:
        return {"playQueueByIndex": _nothing(call)}
    fields, tracks, position = found
    if tracks:
        fields["currentIndex"] = position
    return {"playQueueByIndex": {**fields, "entry": elements.songs(call, tracks)}}


def _nothing(call: Call) -> dict[str, Any]:
    return {"username": call.user.name, "changed": iso_time(0), "changedBy": "", "entry": []}


def _saved(call: Call) -> tuple[dict[str, Any], list[int], int] | None:
    """Return the fields of the saved queue, its tracks whose files are there, and the position among these."""
    user = call.user
    queue = play_queue.find(call.listeners, user.id)
    if queue is None:
        return None
    entries = marks.entries(call.listeners, play_queue.ENTRIES.read(call.listeners, user.id))
    tracks: list[int] = []
    position = 0
    for number, entry in enumerate(entries):
        if number == queue.position:
            position = len(tracks)
        if entry.track_id is not None and not entry.is_missing:
            tracks.append(entry.track_id)
    fields = {
        "position": queue.position_ms,
        "username": user.name,
        "changed": iso_time(queue.changed_at),
        "changedBy": queue.changed_by,
    }
    return fields, tracks, min(position, max(len(tracks) - 1, 0))


def _save(call: Call) -> Content:
    tracks = _tracks(call)
    current = call.parameters.text("current")
    if not tracks:
        return _saved_now(call, [], 0)
    if not current:
        raise SubsonicError(MISSING_PARAMETER, "the parameter current is missing")
    track_id = ids.number(current, "track")
    if track_id not in tracks:
        raise SubsonicError(GENERIC, "current is not in the queue")
    return _saved_now(call, tracks, tracks.index(track_id))


def _save_by_index(call: Call) -> Content:
    tracks = _tracks(call)
    if not tracks:
        return _saved_now(call, [], 0)
    return _saved_now(call, tracks, integer("currentIndex", call.parameters.required("currentIndex")))


def _tracks(call: Call) -> list[int]:
    return [ids.number(text, "track") for text in call.parameters.all("id")]


def _saved_now(call: Call, tracks: list[int], position: int) -> Content:
    user, found = call.user, track_items(call, tracks)
    position_ms = call.parameters.integer("position", 0, high=MAX_POSITION_MS)
    try:
        with call.services.accounts.database.transaction() as db:
            item_ids = items.get_or_add(db, found)
            play_queue.save(db, user.id, item_ids, position, position_ms, call.client, time.time())
    except ValueError as error:
        raise SubsonicError(GENERIC, str(error)) from error
    return {}


# --- bookmarks -------------------------------------------------------------------------------------------------------


def _get_bookmarks(call: Call) -> Content:
    user = call.user
    rows = bookmarks.of_user(call.listeners, user.id)
    entries = marks.entries(call.listeners, [row["item_id"] for row in rows])
    songs = {song["id"]: song for song in elements.songs(call, [entry.track_id or 0 for entry in entries])}
    found = []
    for row, entry in zip(rows, entries, strict=True):
        song = songs.get(ids.of("track", entry.track_id or 0))
        if song is not None:
            found.append(
                {
                    "position": row["position_ms"],
                    "username": user.name,
                    "comment": row["comment"],
                    "created": iso_time(row["created_at"]),
                    "changed": iso_time(row["changed_at"]),
                    "entry": song,
                }
            )
    return {"bookmarks": {"bookmark": found}}


def _create_bookmark(call: Call) -> Content:
    user, given = call.user, call.parameters
    found = track_items(call, [ids.number(given.required("id"), "track")])
    given.required("position")
    position = given.integer("position", 0, high=MAX_POSITION_MS)
    try:
        with call.services.accounts.database.transaction() as db:
            [item_id] = items.get_or_add(db, found)
            bookmarks.save(db, user.id, item_id, position, given.text("comment"), time.time())
    except ValueError as error:
        raise SubsonicError(GENERIC, str(error)) from error
    return {}


def _delete_bookmark(call: Call) -> Content:
    user = call.user
    track_id = ids.number(call.parameters.required("id"), "track")
    with call.services.accounts.database.transaction() as db:
        known = items.id_of(db, "track", track_id)
        if known is None or not bookmarks.remove(db, user.id, known):
            raise ids.not_found()
    return {}


METHODS: dict[str, Handler] = {
    "getPlayQueue": _get,
    "getPlayQueueByIndex": _get_by_index,
    "savePlayQueue": _save,
    "savePlayQueueByIndex": _save_by_index,
    "getBookmarks": _get_bookmarks,
    "createBookmark": _create_bookmark,
    "deleteBookmark": _delete_bookmark,
}
