"""Browsing by tags: artists, albums, songs and genres."""

from collections.abc import Iterable

from soniquebay.api.opensubsonic import elements, ids
from soniquebay.api.opensubsonic.call import Call, Content, Handler
from soniquebay.api.opensubsonic.elements import Element
from soniquebay.api.opensubsonic.listing import in_folder, slice_ids
from soniquebay.library.browsing import details, lists
from soniquebay.library.catalogue.sort_keys import sort_key_as_tagged

MAX_LISTED_ROWS = 10_000_000  # more than any library has
_OTHERS = "#"


def _artists(call: Call) -> Content:
    db = call.library
    listed = in_folder(call, lists.artists(db, role="album_artist"))
    found = elements.artists(call, slice_ids(db, listed, "name", MAX_LISTED_ROWS))
    return {"artists": {"ignoredArticles": elements.IGNORED_ARTICLES, "index": index(found)}}


def index(found: Iterable[Element]) -> list[Element]:
    """Return artists in the groups of their first letters, in which they are."""
    groups: dict[str, list[Element]] = {}
    for element in found:
        groups.setdefault(letter(element.get("sortName") or element["name"]), []).append(element)
    return [{"name": name, "artist": groups[name]} for name in sorted(groups)]


def letter(name: str) -> str:
    """Return the letter under which people look for a name: in Latin script without accents; "#" for no letter."""
    name = elements.without_article(name)
    first = name[:1]
    if not (first.isascii() and first.isalpha()):  # most names need no sort key
        first = sort_key_as_tagged(name)[:1]
    return first.upper() if first.isalpha() else _OTHERS


def _artist(call: Call) -> Content:
    artist_id = ids.number(call.parameters.required("id"), "artist")
    return {"artist": {**elements.artist(call, artist_id), "album": elements.albums(call, albums_of(call, artist_id))}}


def albums_of(call: Call, artist_id: int) -> list[int]:
    """Return the ids of an artist's own albums; of the others that have something by the artist, if there is none.

    Raises `SubsonicError` for an artist of whom nothing is there.
    """
    found = details.full_artist(call.library, artist_id)
    if found is None:
        raise ids.not_found()
    return [album["id"] for album in found["own_albums"] or found["appears_on"]]


def _album(call: Call) -> Content:
    album_id = ids.number(call.parameters.required("id"), "album")
    return {"album": {**elements.album(call, album_id), "song": elements.songs(call, tracks_of(call, album_id))}}


def tracks_of(call: Call, album_id: int) -> list[int]:
    """Return the ids of the tracks of an album, in their order."""
    return slice_ids(call.library, lists.tracks(call.library, album_id=album_id), "album", MAX_LISTED_ROWS)


def _song(call: Call) -> Content:
    return {"song": elements.song(call, ids.number(call.parameters.required("id"), "track"))}


def _genres(call: Call) -> Content:
    db = call.library
    found = details.genres_by_id(db, slice_ids(db, lists.genres(db), "name", MAX_LISTED_ROWS))
    return {
        "genres": {"genre": [{"songCount": g["tracks"], "albumCount": g["albums"], "value": g["name"]} for g in found]}
    }


METHODS: dict[str, Handler] = {
    "getArtists": _artists,
    "getArtist": _artist,
    "getAlbum": _album,
    "getSong": _song,
    "getGenres": _genres,
}
