"""MusicBrainz's web service 2: the lookups, and the reading of its JSON answers.

Every function that reads an answer raises `UpstreamError` when the answer does not have the documented form.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from soniquebay.library.catalogue.names import normalised_name
from soniquebay.library.enrichment import ArtistFacts, Lookup, ReleaseFacts
from soniquebay.library.genres import display_name
from soniquebay.online.client import fetch
from soniquebay.online.errors import UpstreamError

MAX_GENRES = 5
MIN_SEARCH_SCORE = 90  # of 100, as MusicBrainz rates a result; `_is_album` compares the result itself
_MAX_NAME_CHARACTERS = 200  # in a query

Json = Mapping[str, Any]


def fetch_artist(mbid: str) -> ArtistFacts | None:
    """Look up an artist; None if MusicBrainz has none with this MBID. Raises `UpstreamError`."""
    answer = fetch(f"/musicbrainz/artist/{mbid}")
    return None if answer is None else artist_facts(_parse(answer))


def fetch_release(mbid: str) -> ReleaseFacts | None:
    """Look up a release; None if MusicBrainz has none with this MBID. Raises `UpstreamError`."""
    answer = fetch(f"/musicbrainz/release/{mbid}")
    return None if answer is None else release_facts(_parse(answer))


def find_release(item: Lookup) -> str | None:
    """Search for the release of an album and return its MBID; None if there is none, or no certain one.

    Raises `UpstreamError`.
    """
    answer = fetch("/musicbrainz/release", query=search_query(item))
    return None if answer is None else choose_release(_parse(answer), item)


def artist_facts(answer: Json) -> ArtistFacts:
    """Return the facts in the answer to an artist lookup."""
    return {
        "name": _required_text(answer, "name"),
        "sort_name": _text(answer.get("sort-name")),
        "type": _text(answer.get("type")),
        "country": _text(answer.get("country")),
        "genres": top_genres(answer.get("genres")),
    }


def release_facts(answer: Json) -> ReleaseFacts:
    """Return the facts in the answer to a release lookup.

    The type is that of the release group; so are the genres if the release has none.
    """
    group = _mapping(answer.get("release-group"))
    labels = [_text(_mapping(_mapping(info).get("label")).get("name")) for info in _list(answer.get("label-info"))]
    return {
        "name": _required_text(answer, "title"),
        "group_mbid": _text(group.get("id")),
        "type": _text(group.get("primary-type")),
        "date": _text(answer.get("date")),
        "label": next((label for label in labels if label), None),
        "genres": top_genres(answer.get("genres")) or top_genres(group.get("genres")),
    }


def top_genres(genres: Any) -> list[str]:
    """Return the names of the genres with the most votes, at most `MAX_GENRES`, in the spelling of the library."""
    by_votes = [_mapping(genre) for genre in _list(genres)]
    by_votes.sort(key=lambda genre: -_number(genre.get("count")))
    names = [_text(genre.get("name")) for genre in by_votes if _number(genre.get("count")) > 0]
    return [display_name(name) for name in names if name][:MAX_GENRES]


def search_query(item: Lookup) -> str:
    """Return the search for an album's release, in Lucene's query syntax."""
    mbid = item.get("artist_mbid")
    artist = f"arid:{mbid}" if mbid else f"artist:{_quote(item['artist'])}"
    return " AND ".join([f"release:{_quote(item['title'])}", artist, f"tracks:{item['tracks']}"])


def choose_release(answer: Json, item: Lookup) -> str | None:
    """Return the MBID of the release that is the album; None if no result is, or if it could be different things.

    Title, artist and number of tracks have to be equal, and all such results have to be of one release group. Of these
    editions an official one is preferred, then the earliest.
    """
    matches = [release for release in map(_mapping, _list(answer.get("releases"))) if _is_album(release, item)]
    groups = {_text(_mapping(release.get("release-group")).get("id")) for release in matches}
    if len(groups) != 1 or None in groups:
        return None
    best = min(
        matches,
        key=lambda release: (release.get("status") != "Official", _text(release.get("date")) or "9", release["id"]),
    )
    return _required_text(best, "id")


def _is_album(release: Json, item: Lookup) -> bool:
    tracks = _number(release.get("track-count")) or sum(
        _number(_mapping(medium).get("track-count")) for medium in _list(release.get("media"))
    )
    return (
        _number(release.get("score")) >= MIN_SEARCH_SCORE
        and normalised_name(_text(release.get("title")) or "") == item["normalised_album"]
        and _is_by_artist(release, item)
        and tracks == item["tracks"]
        and _text(release.get("id")) is not None
    )


def _is_by_artist(release: Json, item: Lookup) -> bool:
    """Return whether a release is credited to the album's artist, by MBID if it is known, else by name."""
    credits = [_mapping(credit) for credit in _list(release.get("artist-credit"))]
    artists = [_mapping(credit.get("artist")) for credit in credits]
    mbid = item.get("artist_mbid")
    if mbid:
        return mbid in {artist.get("id") for artist in artists}
    whole_credit = "".join(
        (_text(credit.get("name")) or "") + str(credit.get("joinphrase") or "") for credit in credits
    )
    names = {normalised_name(whole_credit)}
    if len(credits) == 1:
        credited_and_own = (_text(credits[0].get("name")), _text(artists[0].get("name")))
        names |= {normalised_name(name) for name in credited_and_own if name}
    return item["normalised_artist"] in names


def _quote(name: str) -> str:
    escaped = name[:_MAX_NAME_CHARACTERS].replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _parse(answer: bytes) -> Json:
    try:
        content = json.loads(answer)
    except (ValueError, RecursionError) as error:
        raise UpstreamError(f"MusicBrainz sent invalid JSON: {error}", answered=True) from error
    return _mapping(content)


def _required_text(answer: Json, name: str) -> str:
    text = _text(answer.get(name))
    if text is None:
        raise UpstreamError(f"MusicBrainz sent an answer without {name}", answered=True)
    return text


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _mapping(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> Iterable[Any]:
    return value if isinstance(value, list) else []
