"""What sounds alike: by the vectors of the tracks themselves, without asking any service."""

from soniquebay.api.opensubsonic import elements, ids
from soniquebay.api.opensubsonic.call import Call, Content, Handler
from soniquebay.api.opensubsonic.elements import Element
from soniquebay.api.opensubsonic.errors import GENERIC, SubsonicError
from soniquebay.api.opensubsonic.listing import MAX_ROWS
from soniquebay.library import queries
from soniquebay.library.similarity import artists
from soniquebay.library.similarity.seeds import seeds

_DEFAULT_SONGS, _DEFAULT_TRACKS, _DEFAULT_PATH = 50, 10, 25
_MAX_CONSIDERED_SONGS = 1000  # the nearest, from which a list of several artists is chosen; at least twice MAX_ROWS


def _sonic_similar_tracks(call: Call) -> Content:
    track_id = _track(call, "id")
    found = call.services.vectors.nearest(call.library, track_id, _count(call, _DEFAULT_TRACKS))
    return {"sonicMatch": _matches(call, found or [])}


def _find_sonic_path(call: Call) -> Content:
    start, end = _track(call, "startSongId"), _track(call, "endSongId")
    count = call.parameters.integer("count", _DEFAULT_PATH, low=2, high=MAX_ROWS)
    found = call.services.vectors.path(call.library, start, end, count)
    if found is None:
        raise SubsonicError(GENERIC, "one of these songs is not analysed yet")
    return {"sonicMatch": _matches(call, found)}


def _track(call: Call, name: str) -> int:
    track_id = ids.number(call.parameters.required(name), "track")
    track = queries.file_of_track(call.library, track_id)
    if track is None or track["missing_since"] is not None:
        raise ids.not_found()
    return track_id


def _count(call: Call, default: int) -> int:
    return call.parameters.integer("count", default, high=MAX_ROWS)


def _matches(call: Call, found: list[tuple[int, float]]) -> list[Element]:
    similarities = {ids.of("track", track_id): similarity for track_id, similarity in found}
    songs = elements.songs(call, [track_id for track_id, _ in found])
    return [{"entry": song, "similarity": similarities[song["id"]]} for song in songs]


def _similar_songs(call: Call) -> Content:
    kind, number = ids.parse(call.parameters.required("id"))
    if kind == "track":
        found = call.services.vectors.nearest(call.library, _track(call, "id"), _MAX_CONSIDERED_SONGS)
        return {"similarSongs": {"song": _varied(call, found or [])}}
    if kind == "artist":
        return {"similarSongs": {"song": _like_artist(call, number)}}
    elements.album(call, number)  # it has to be there
    return {"similarSongs": {"song": _like(call, seeds(call.library, "album", number))}}


def _similar_songs_2(call: Call) -> Content:
    return {"similarSongs2": {"song": _like_artist(call, ids.number(call.parameters.required("id"), "artist"))}}


def _like_artist(call: Call, artist_id: int) -> list[Element]:
    elements.artist(call, artist_id)  # it has to be there
    return _like(call, seeds(call.library, "artist", artist_id))


def _like(call: Call, track_ids: list[int]) -> list[Element]:
    """Return the songs nearest to the mean of some tracks, these among them."""
    return _varied(call, call.services.vectors.nearest_to_mean(call.library, track_ids, _MAX_CONSIDERED_SONGS))


def _varied(call: Call, found: list[tuple[int, float]]) -> list[Element]:
    """Return the songs that the call asks for: players make a queue of them, so one artist is not to fill it."""
    credits = artists.credited(call.library, [track_id for track_id, _ in found])
    return elements.songs(call, artists.varied(found, credits, _count(call, _DEFAULT_SONGS)))


METHODS: dict[str, Handler] = {
    "getSonicSimilarTracks": _sonic_similar_tracks,
    "findSonicPath": _find_sonic_path,
    "getSimilarSongs": _similar_songs,
    "getSimilarSongs2": _similar_songs_2,
}
