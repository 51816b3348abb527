"""Searching. An empty question finds everything, page by page: so clients copy the whole library."""

from typing import Literal

from soniquebay.api.opensubsonic import elements
from soniquebay.api.opensubsonic.call import Call, Content, Handler
from soniquebay.api.opensubsonic.elements import Element
from soniquebay.api.opensubsonic.errors import MISSING_PARAMETER, SubsonicError
from soniquebay.api.opensubsonic.listing import in_folder, limit_and_offset, slice_ids
from soniquebay.library import search
from soniquebay.library.browsing import lists

MAX_QUESTION_CHARACTERS = 200
Kind = Literal["artist", "album", "song"]
_DEFAULT_ROWS = 20


def _search_3(call: Call) -> Content:
    return {"searchResult3": _found(call)}


def _search_2(call: Call) -> Content:
    found = _found(call)
    return {
        "searchResult2": {
            "artist": [elements.artist_folder(artist) for artist in found["artist"]],
            "album": [elements.album_folder(album) for album in found["album"]],
            "song": found["song"],
        }
    }


def _search(call: Call) -> Content:
    """Answer the search of the first version, which knows songs alone."""
    words = [call.parameters.text(name) for name in ("any", "artist", "album", "title")]
    limit, offset = limit_and_offset(call, "count", _DEFAULT_ROWS)
    hits = search.find(call.library, " ".join(words)[:MAX_QUESTION_CHARACTERS], limit, offset)
    return {"searchResult": {"offset": offset, "totalHits": hits.total, "match": elements.songs(call, hits.ids)}}


def _found(call: Call) -> dict[Kind, list[Element]]:
    if "query" not in call.parameters:
        raise SubsonicError(MISSING_PARAMETER, "the parameter query is missing; it may be empty")
    # Two quote characters are how some clients write nothing.
    question = call.parameters.text("query").strip().strip('"').strip()[:MAX_QUESTION_CHARACTERS]
    return {
        "artist": elements.artists(call, _ids(call, question, "artist")),
        "album": elements.albums(call, _ids(call, question, "album")),
        "song": elements.songs(call, _ids(call, question, "song")),
    }


def _ids(call: Call, question: str, kind: Kind) -> list[int]:
    limit, offset = limit_and_offset(call, f"{kind}Count", _DEFAULT_ROWS, f"{kind}Offset")
    if not limit:
        return []
    db = call.library
    if question:
        return search.find(db, question, limit, offset, "track" if kind == "song" else kind, counted=False).ids
    listed = {
        "artist": lambda: lists.artists(db, role="any"), "album": lambda: lists.albums(db),
        "song": lambda: lists.tracks(db),
    }[kind]()  # fmt: skip
    # What is added while a client copies comes at the end, so no page shifts.
    return slice_ids(db, in_folder(call, listed), "added", limit, offset)


METHODS: dict[str, Handler] = {"search": _search, "search2": _search_2, "search3": _search_3}
