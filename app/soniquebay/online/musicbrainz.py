"""MusicBrainz's web service 2: what is asked of it, and its JSON answers.

Raises `UpstreamError` (answered) where an answer has not the form it should have.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from soniquebay.library.enrichment import ArtistFacts, Lookup, ReleaseFacts
from soniquebay.library.genres import display_name
from soniquebay.library.identity import normalised_name
from soniquebay.online.client import fetch
from soniquebay.online.errors import UpstreamError

GENRES = 5  # of the most voted ones
GOOD_SCORE = 90  # of 100, by MusicBrainz's search; what decides is the comparison here
_LONGEST_NAME = 200  # characters of a name in a query

Json = Mapping[str, Any]


def artist(mbid: str) -> ArtistFacts | None:
    """Look an artist up by id."""
    answer = fetch(f"/musicbrainz/artist/{mbid}")
    return None if answer is None else artist_facts(_read(answer))


def release(mbid: str) -> ReleaseFacts | None:
    """Look a release up by id."""
    answer = fetch(f"/musicbrainz/release/{mbid}")
    return None if answer is None else release_facts(_read(answer))


def search(item: Lookup) -> str | None:
    """Return the id of the release that an album surely is; None if there is none, or more than one could be it."""
    answer = fetch("/musicbrainz/release", query=query(item))
    return None if answer is None else choose(_read(answer), item)


def artist_facts(answer: Json) -> ArtistFacts:
    """Read an artist."""
    return {
        "name": _need(answer, "name"),
        "sort_name": _text(answer.get("sort-name")),
        "type": _text(answer.get("type")),
        "country": _text(answer.get("country")),
        "genres": genres(answer.get("genres")),
    }


def release_facts(answer: Json) -> ReleaseFacts:
    """Read a release; its group says the type, and the genres where it has none of its own."""
    group = _map(answer.get("release-group"))
    labels = [_text(_map(_map(info).get("label")).get("name")) for info in _list(answer.get("label-info"))]
    return {
        "name": _need(answer, "title"),
        "group_mbid": _text(group.get("id")),
        "type": _text(group.get("primary-type")),
        "date": _text(answer.get("date")),
        "label": next((label for label in labels if label), None),
        "genres": genres(answer.get("genres")) or genres(group.get("genres")),
    }


def genres(answer: Any) -> list[str]:
    """Return the names of the most voted genres, written as the library writes its own."""
    voted = [_map(genre) for genre in _list(answer)]
    voted.sort(key=lambda genre: -_number(genre.get("count")))
    names = [_text(genre.get("name")) for genre in voted if _number(genre.get("count")) > 0]
    return [display_name(name) for name in names if name][:GENRES]


def query(item: Lookup) -> str:
    """Return a search for an album, in the syntax of Lucene."""
    words = [f"release:{_quoted(item['title'])}", f"tracks:{item['tracks']}"]
    mbid = item.get("artist_mbid")
    words.insert(1, f"arid:{mbid}" if mbid else f"artist:{_quoted(item['artist'])}")
    return " AND ".join(words)


def choose(answer: Json, item: Lookup) -> str | None:
    """Return the release of a search's answer that is the album, if all that could be it are editions of one thing.

    Title, artist and number of tracks have to be the same; of several editions the official one, the earliest.
    """
    good = [found for found in map(_map, _list(answer.get("releases"))) if _is(found, item)]
    groups = {_text(_map(found.get("release-group")).get("id")) for found in good}
    if len(groups) != 1 or None in groups:
        return None
    best = min(
        good, key=lambda found: (found.get("status") != "Official", _text(found.get("date")) or "9", found["id"])
    )
    return _need(best, "id")


def _is(found: Json, item: Lookup) -> bool:
    credits = [_map(credit) for credit in _list(found.get("artist-credit"))]
    names = {normalised_name(name) for credit in credits for name in (_text(credit.get("name")), _text(
             _map(credit.get("artist")).get("name"))) if name}  # fmt: skip
    whole = "".join((_text(credit.get("name")) or "") + str(credit.get("joinphrase") or "") for credit in credits)
    ids = {_map(credit.get("artist")).get("id") for credit in credits}
    mbid = item.get("artist_mbid")
    same_artist = (
        mbid in ids
        if mbid
        else item["normalised_artist"] in ({normalised_name(whole)} | (names if len(credits) == 1 else set()))
    )
    tracks = _number(found.get("track-count")) or sum(
        _number(_map(medium).get("track-count")) for medium in _list(found.get("media"))
    )
    return (
        _number(found.get("score")) >= GOOD_SCORE
        and normalised_name(_text(found.get("title")) or "") == item["normalised_album"]
        and same_artist
        and tracks == item["tracks"]
        and _text(found.get("id")) is not None
    )


def _quoted(name: str) -> str:
    plain = name[:_LONGEST_NAME].replace("\\", "\\\\").replace('"', '\\"')
    return f'"{plain}"'


def _read(answer: bytes) -> Json:
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError) as error:
        raise UpstreamError(f"MusicBrainz sent what is no JSON: {error}", answered=True) from error
    return _map(found)


def _need(answer: Json, name: str) -> str:
    text = _text(answer.get(name))
    if text is None:
        raise UpstreamError(f"MusicBrainz sent an answer without {name}", answered=True)
    return text


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _map(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else []
