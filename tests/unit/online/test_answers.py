"""The reading of MusicBrainz's and the Cover Art Archive's answers, and the choice of an album's release."""

from typing import Any

import pytest

from soniquebay.library import enrichment
from soniquebay.online import coverart, musicbrainz
from soniquebay.online.errors import UpstreamError
from tests.support.doubles.musicbrainz import UpstreamDouble

MBID, OTHER, GROUP = (f"{n * 8}-0000-4000-8000-000000000000" for n in "123")
ITEM: enrichment.Lookup = {
    "kind": "search", "artist": "The Ärtist", "normalised_artist": "artist", "artist_mbid": None, "title": 'Al"bum',
    "normalised_album": 'al"bum', "tracks": 9,
}  # fmt: skip


def result(**changes: Any) -> dict[str, Any]:
    credit = [{"name": "Artist", "artist": {"id": OTHER, "name": "Artist", "sort-name": "Artist"}}]
    return {"id": MBID, "score": 100, "title": 'AL"BUM', "status": "Official", "date": "2001", "track-count": 9,
            "artist-credit": credit, "release-group": {"id": GROUP}, **changes}  # fmt: skip


def with_guest(joinphrase: str) -> list[dict[str, Any]]:
    first = {"name": "Artist", "joinphrase": joinphrase, "artist": {"id": OTHER, "name": "Artist"}}
    return [first, {"name": "Guest", "artist": {"id": MBID, "name": "Guest"}}]


@pytest.mark.parametrize(
    ("results", "chosen"),
    [([result()], MBID), ([], None), ([result(score=60)], None), ([result(title="Album II")], None),
     ([result(**{"track-count": 8})], None), ([result(**{"artist-credit": []})], None),
     ([result(**{"artist-credit": with_guest(" & ")})], None), ([result(**{"release-group": None})], None),
     # Several editions of one release group: the official one, or the earliest. Two release groups: none.
     ([result(id=OTHER, date="1999", status="Bootleg"), result(date="2005"), result(id=GROUP, date="2010")], MBID),
     ([result(), result(id=OTHER, **{"release-group": {"id": OTHER}})], None),
     ([result(**{"track-count": None, "media": [{"track-count": 4}, {"track-count": 5}]})], MBID),
     ([result(id=None)], None), (["odd", None, 7], None)],
)  # fmt: skip
def test_a_release_is_chosen_only_when_it_is_certain(results: list[Any], chosen: str | None) -> None:
    assert musicbrainz.choose_release({"releases": results}, ITEM) == chosen


def test_an_artist_with_an_mbid_is_compared_by_it() -> None:
    assert (
        musicbrainz.choose_release({"releases": [result()]}, {**ITEM, "artist_mbid": OTHER, "normalised_artist": "x"})
        == MBID
    )
    assert musicbrainz.choose_release({"releases": [result()]}, {**ITEM, "artist_mbid": GROUP}) is None
    assert musicbrainz.search_query(ITEM) == 'release:"Al\\"bum" AND artist:"The Ärtist" AND tracks:9'
    assert f"arid:{GROUP}" in musicbrainz.search_query({**ITEM, "artist_mbid": GROUP})


def test_facts_are_read_from_complete_and_sparse_answers() -> None:
    double = UpstreamDouble()
    double.stop()
    double.add_artist(MBID, "A", "post-rock", "ambient")
    double.add_release(MBID, "T", GROUP, "IDM")
    assert musicbrainz.artist_facts(double.artists[MBID]) == {
        "name": "A", "sort_name": "A, The", "type": "Group", "country": "IS",
        "genres": ["Post-Rock", "Ambient"]}  # fmt: skip
    assert musicbrainz.release_facts(double.releases[MBID]) == {
        "name": "T", "group_mbid": GROUP, "type": "Album", "date": "1999-06-12", "label": "Smekkleysa",
        "genres": ["IDM"]}  # fmt: skip
    sparse = {"title": "T", "label-info": [{"label": None}], "release-group": 5, "genres": [{"name": 3, "count": "x"}]}
    assert musicbrainz.release_facts(sparse) == {
        "name": "T", "group_mbid": None, "type": None, "date": None, "label": None, "genres": []}  # fmt: skip
    with pytest.raises(UpstreamError, match="without name"):
        musicbrainz.artist_facts({})
    for listing in (b"[]", b'{"images": 1}', b'{"images": [1], "release": "x"}', b"nonsense"):
        with pytest.raises(UpstreamError, match="invalid listing"):
            coverart.front_cover_path(listing)
    assert coverart.front_cover_path(b'{"images": [], "release": "https://musicbrainz.org/release/x"}') is None
