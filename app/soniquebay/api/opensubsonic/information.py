"""What clients show beside an artist or an album: ids of MusicBrainz, similar artists, the songs heard most."""

from typing import Any

from soniquebay.api.opensubsonic import elements, ids
from soniquebay.api.opensubsonic.call import Call, Content, Handler
from soniquebay.api.opensubsonic.errors import MISSING_PARAMETER, SubsonicError
from soniquebay.api.opensubsonic.listing import MAX_ROWS
from soniquebay.library.browsing import named
from soniquebay.listeners import marks

_DEFAULT_ARTISTS, _DEFAULT_SONGS = 20, 50


def _artist_info(call: Call) -> Content:
    info = _artist(call)
    similar = [elements.artist_folder(artist) for artist in info["similarArtist"]]
    return {"artistInfo": {**info, "similarArtist": similar}}


def _artist_info_2(call: Call) -> Content:
    return {"artistInfo2": _artist(call)}


def _artist(call: Call) -> dict[str, Any]:
    kind, number = ids.parse(call.parameters.required("id"))
    if kind == "album":
        number = ids.number(elements.album(call, number)["artistId"], "artist")
    elif kind == "track":
        number = ids.number(elements.song(call, number)["artistId"], "artist")
    artist = elements.artist(call, number)
    count = call.parameters.integer("count", _DEFAULT_ARTISTS, high=MAX_ROWS)
    nearest = call.services.vectors.rank(call.library, "artist", number, count) if count else None
    similar = elements.artists(call, [artist_id for artist_id, _ in nearest or ()])
    return {"biography": "", "musicBrainzId": artist["musicBrainzId"], "lastFmUrl": "", "similarArtist": similar}


def _album_info(call: Call) -> Content:
    """Answer for an album, or the album of a song; older methods and newer ones have the same answer."""
    kind, number = ids.parse(call.parameters.required("id"), ("album", "track"))
    mbid = ""
    if kind == "track":
        album_id = elements.song(call, number).get("albumId")
        number = ids.number(album_id, "album") if album_id else 0
    if number:
        mbid = elements.album(call, number)["musicBrainzId"]
    return {"albumInfo": {"notes": "", "musicBrainzId": mbid, "lastFmUrl": ""}}


def _top_songs(call: Call) -> Content:
    """Return the songs of an artist that the user who calls has heard most."""
    given = call.parameters
    if given.text("id"):
        artist_id: int | None = ids.number(given.text("id"), "artist")
        elements.artist(call, artist_id or 0)  # it has to be there
    elif given.text("artist"):
        artist_id = named.artist_id(call.library, given.text("artist"))
    else:
        raise SubsonicError(MISSING_PARAMETER, "the parameter artist is missing, or id")
    count = given.integer("count", _DEFAULT_SONGS, high=MAX_ROWS)
    if artist_id is None or call.user_id is None:
        return {"topSongs": {"song": []}}
    found = marks.most_played_of_artist(call.listeners, call.user_id, artist_id, count)
    return {"topSongs": {"song": elements.songs(call, found)}}


METHODS: dict[str, Handler] = {
    "getArtistInfo": _artist_info,
    "getArtistInfo2": _artist_info_2,
    "getAlbumInfo": _album_info,
    "getAlbumInfo2": _album_info,
    "getTopSongs": _top_songs,
}
