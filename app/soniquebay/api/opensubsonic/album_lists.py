"""Lists of albums and songs: new, played, liked, random, by genre and by year."""

from typing import Literal

from soniquebay.api.opensubsonic import elements
from soniquebay.api.opensubsonic.call import Call, Content, Handler
from soniquebay.api.opensubsonic.errors import GENERIC, SubsonicError
from soniquebay.api.opensubsonic.listing import in_folder, limit_and_offset, slice_ids
from soniquebay.api.opensubsonic.parameters import integer
from soniquebay.library.browsing import lists, named
from soniquebay.listeners import marks
from soniquebay.listeners.items import Kind

MAX_STARRED = 100_000  # they come in one answer
_SORTS: dict[str, tuple[str, bool]] = {
    "random": ("random", False),
    "newest": ("added", True),
    "alphabeticalByName": ("title", False),
    "alphabeticalByArtist": ("artist", False),
}
_MARKS: dict[str, marks.Sort] = {
    "recent": "played", "frequent": "most_played", "highest": "rated", "starred": "starred",
}  # fmt: skip


def _album_list(call: Call) -> Content:
    found = elements.albums(call, _album_ids(call))
    return {"albumList": {"album": [elements.album_folder(album) for album in found]}}


def _album_list_2(call: Call) -> Content:
    return {"albumList2": {"album": elements.albums(call, _album_ids(call))}}


def _album_ids(call: Call) -> list[int]:
    kind = call.parameters.required("type")
    limit, offset = limit_and_offset(call)
    db = call.library
    if kind in _MARKS:
        return marked(call, "album", _MARKS[kind], limit, offset)
    if kind in _SORTS:
        sort, descending = _SORTS[kind]
        return slice_ids(db, in_folder(call, lists.albums(db)), sort, limit, offset, descending=descending)
    if kind == "byYear":
        first, last = (integer(name, call.parameters.required(name)) for name in ("fromYear", "toYear"))
        listed = lists.albums(db, year_from=min(first, last), year_to=max(first, last))
        return slice_ids(db, in_folder(call, listed), "year", limit, offset, descending=first > last)
    if kind == "byGenre":
        listed = lists.albums(db, genre_id=named.genre_id(db, call.parameters.required("genre")))
        return slice_ids(db, in_folder(call, listed), "artist", limit, offset)
    raise SubsonicError(GENERIC, "there is no such type of list")


def marked(call: Call, kind: Kind, sort: marks.Sort, limit: int, offset: int = 0) -> list[int]:
    """Return the ids of what the user who calls has starred, rated or played; none without a user."""
    if call.user_id is None or not limit:
        return []
    return marks.page(call.listeners, call.user_id, kind, sort, limit, offset).ids


def _random_songs(call: Call) -> Content:
    db, given = call.library, call.parameters
    limit, _ = limit_and_offset(call)
    genre, first, last = given.text("genre"), given.text("fromYear"), given.text("toYear")
    listed = lists.tracks(
        db,
        genre_id=named.genre_id(db, genre) if genre else None,
        year_from=integer("fromYear", first) if first else None,
        year_to=integer("toYear", last) if last else None,
    )
    return {"randomSongs": {"song": elements.songs(call, slice_ids(db, in_folder(call, listed), "random", limit))}}


def _songs_by_genre(call: Call) -> Content:
    db = call.library
    limit, offset = limit_and_offset(call, "count")
    listed = lists.tracks(db, genre_id=named.genre_id(db, call.parameters.required("genre")))
    return {
        "songsByGenre": {"song": elements.songs(call, slice_ids(db, in_folder(call, listed), "artist", limit, offset))}
    }


def _starred(call: Call) -> Content:
    found = _starred_elements(call)
    return {
        "starred": {
            "artist": [elements.artist_folder(artist) for artist in found["artist"]],
            "album": [elements.album_folder(album) for album in found["album"]],
            "song": found["song"],
        }
    }


def _starred_2(call: Call) -> Content:
    return {"starred2": _starred_elements(call)}


def _starred_elements(call: Call) -> dict[Literal["artist", "album", "song"], list[elements.Element]]:
    return {
        "artist": elements.artists(call, marked(call, "artist", "starred", MAX_STARRED)),
        "album": elements.albums(call, marked(call, "album", "starred", MAX_STARRED)),
        "song": elements.songs(call, marked(call, "track", "starred", MAX_STARRED)),
    }


METHODS: dict[str, Handler] = {
    "getAlbumList": _album_list,
    "getAlbumList2": _album_list_2,
    "getRandomSongs": _random_songs,
    "getSongsByGenre": _songs_by_genre,
    "getStarred": _starred,
    "getStarred2": _starred_2,
}
