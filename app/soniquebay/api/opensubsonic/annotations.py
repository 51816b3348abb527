"""Stars, ratings, and what was heard."""

import time

from soniquebay.api.opensubsonic import elements, ids
from soniquebay.api.opensubsonic.call import Call, Content, Handler
from soniquebay.api.opensubsonic.errors import GENERIC, MISSING_PARAMETER, SubsonicError
from soniquebay.api.opensubsonic.parameters import integer
from soniquebay.listeners import items, plays, ratings, stars
from soniquebay.listeners.items import Item, Kind, UnknownItemError

MAX_MARKED_ITEMS = 5_000  # that one request marks


def _star(call: Call) -> Content:
    user, found = call.user, [_item(call, kind, number) for kind, number in _marked(call)]
    with call.services.accounts.database.transaction() as db:
        stars.add(db, user.id, items.get_or_add(db, found), time.time())
    return {}


def _unstar(call: Call) -> Content:
    user, marked = call.user, _marked(call)
    with call.services.accounts.database.transaction() as db:
        known = [items.id_of(db, kind, number) for kind, number in marked]
        stars.remove(db, user.id, [item_id for item_id in known if item_id is not None])
    return {}


def _marked(call: Call) -> list[tuple[Kind, int]]:
    """Return kind and number of all ids of a request."""
    given = call.parameters
    found = [_library_id(text) for text in given.all("id")]
    found += [("album", ids.number(text, "album")) for text in given.all("albumId")]
    found += [("artist", ids.number(text, "artist")) for text in given.all("artistId")]
    if not found:
        raise SubsonicError(MISSING_PARAMETER, "the parameter id is missing, or albumId, or artistId")
    if len(found) > MAX_MARKED_ITEMS:
        raise SubsonicError(GENERIC, f"a request marks at most {MAX_MARKED_ITEMS} items")
    return found


def _library_id(text: str) -> tuple[Kind, int]:
    kind, number = ids.parse(text)
    assert kind != "playlist"  # noqa: S101 - it is not among the kinds asked for
    return kind, number


def _item(call: Call, kind: Kind, number: int) -> Item:
    try:
        return items.read(call.listeners, kind, [number])[0]
    except UnknownItemError as error:
        raise ids.not_found() from error


def _set_rating(call: Call) -> Content:
    user = call.user
    kind, number = _library_id(call.parameters.required("id"))
    rating = integer("rating", call.parameters.required("rating"))
    item = _item(call, kind, number)
    try:
        with call.services.accounts.database.transaction() as db:
            ratings.rate(db, user.id, items.get_or_add(db, [item])[0], rating, time.time())
    except ValueError as error:
        raise SubsonicError(GENERIC, str(error)) from error
    return {}


def _scrobble(call: Call) -> Content:
    """Record plays, or note what is heard now (`submission=false`)."""
    user, given = call.user, call.parameters
    tracks = [ids.number(text, "track") for text in given.all("id")]
    if not tracks:
        raise SubsonicError(MISSING_PARAMETER, "the parameter id is missing")
    if len(tracks) > MAX_MARKED_ITEMS:
        raise SubsonicError(GENERIC, f"a request reports at most {MAX_MARKED_ITEMS} plays")
    times = [integer("time", text) / 1000 for text in given.all("time")]
    try:
        played = [plays.read_played(call.listeners, track_id) for track_id in tracks]
    except UnknownItemError as error:
        raise ids.not_found() from error
    if not given.boolean("submission", True):
        call.services.now_playing.note(user.name, call.client, tracks[-1])
        call.services.scrobbler.announce(user.id, played[-1].heard)
        return {}
    now = time.time()
    with call.services.accounts.database.transaction() as db:
        for number, found in enumerate(played):
            # Without a time of its own each play gets another one, or two of one track would be one play.
            at = times[number] if number < len(times) else now - 0.001 * (len(played) - number - 1)
            plays.record(db, user.id, found, min(max(at, 0.0), now), call.client)
    call.services.scrobbler.wake()
    return {}


def _now_playing(call: Call) -> Content:
    found = call.services.now_playing.all()
    songs = {song["id"]: song for song in elements.songs(call, [playing.track_id for playing, _ in found])}
    entries = []
    for number, (playing, seconds) in enumerate(found, 1):
        song = songs.get(ids.of("track", playing.track_id))
        if song is not None:
            entries.append(
                {
                    **song,
                    "username": playing.user_name,
                    "minutesAgo": int(seconds // 60),
                    "playerId": number,
                    "playerName": playing.client,
                }
            )
    return {"nowPlaying": {"entry": entries}}


METHODS: dict[str, Handler] = {
    "star": _star,
    "unstar": _unstar,
    "setRating": _set_rating,
    "scrobble": _scrobble,
    "getNowPlaying": _now_playing,
}
