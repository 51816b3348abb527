"""What sounds alike, what is told of artists and albums, and what does not exist here."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from soniquebay.api.opensubsonic import unsupported
from soniquebay.api.public import public_app
from soniquebay.api.services import Services
from soniquebay.audio.feature_schema import FEATURE_VERSION, VECTOR_SIZE
from soniquebay.library.missing_tracks import mark_missing
from soniquebay.library.similarity import vectors
from tests.unit.api.opensubsonic.client import Client, app_of
from tests.unit.api.opensubsonic.conftest import made
from tests.unit.songs import ID_A, file, insert

NUMBER = 40


@pytest.fixture(scope="module")
def analysed(tmp_path_factory: pytest.TempPathFactory) -> Services:
    """Return a library whose tracks lie on a line: `Line 0`, `Line 1`, … ."""
    services = made(tmp_path_factory.mktemp("analysed"), Path("/r"))
    insert(
        services.database,
        *(file(f"/r/line/{n}.flac", title=f"Line {n}", artist=f"Group {n // 10}", album=f"Record {n // 10}",
               mb_artist=ID_A if n < 10 else None, duration=2.0 + n) for n in range(NUMBER)),
    )  # fmt: skip
    chance = np.random.default_rng(1)
    ends = chance.normal(size=(2, VECTOR_SIZE))
    with services.database.transaction() as db:
        for row in db.execute("SELECT id, title FROM tracks WHERE title LIKE 'Line %'").fetchall():
            share = int(row["title"].split()[1]) / (NUMBER - 1)
            data = (ends[0] * (1 - share) + ends[1] * share + 1e-4 * chance.normal(size=VECTOR_SIZE)).astype("<f4")
            vectors.store(db, row["id"], FEATURE_VERSION, data.tobytes(), None)
    return services


@pytest.fixture(scope="module")
def app(analysed: Services) -> Client:
    return app_of(analysed, TestClient(public_app(analysed), "http://localhost"), "Ada")


def song(client: Client, title: str) -> Any:
    return client.get("search3", query=title)["searchResult3"]["song"][0]


def places(found: list[Any]) -> list[int]:
    return [int(element["title"].split()[1]) for element in found]


def test_similar_tracks(app: Client) -> None:
    track = song(app, "Line 20")
    found = app.get("getSonicSimilarTracks", id=track["id"])["sonicMatch"]
    assert len(found) == 10
    similarities = [match["similarity"] for match in found]
    assert similarities == sorted(similarities, reverse=True)
    assert all(abs(place - 20) <= 8 for place in places([match["entry"] for match in found]))
    assert len(app.get("getSonicSimilarTracks", id=track["id"], count=500)["sonicMatch"]) == NUMBER - 1
    assert app.get("getSonicSimilarTracks", id=song(app, "Alone")["id"])["sonicMatch"] == []
    for wrong, code in (({}, 10), ({"id": track["albumId"]}, 70), ({"id": "tr-999"}, 70)):
        assert app.error("getSonicSimilarTracks", **wrong) == code


def test_similar_songs_are_not_all_of_one_artist(app: Client) -> None:
    """Up to Line 19 is one group, from Line 20 on another, whose songs come a little sooner than by their distance."""
    track = song(app, "Line 17")
    nearest = [match["entry"] for match in app.get("getSonicSimilarTracks", id=track["id"])["sonicMatch"]]
    songs = app.get("getSimilarSongs", id=track["id"], count=10)["similarSongs"]["song"]
    assert len(songs) == 10 and songs[0] == nearest[0]
    runs = [sum(a // 10 == b // 10 for a, b in pairwise(places(found))) for found in (nearest, songs)]
    assert runs[1] < runs[0]
    assert all(abs(place - 17) <= 8 for place in places(songs))
    assert len(app.get("getSimilarSongs", id=track["id"])["similarSongs"]["song"]) == NUMBER - 1
    assert len(app.get("getSimilarSongs", id=track["id"], count=1)["similarSongs"]["song"]) == 1


def test_songs_like_an_artist_or_an_album(app: Client) -> None:
    track = song(app, "Line 25")
    songs = app.get("getSimilarSongs2", id=track["artistId"], count=10)["similarSongs2"]["song"]
    assert min(places(songs)) >= 18 and max(places(songs)) <= 31 and len(songs) == 10
    for number in (track["artistId"], track["albumId"]):
        assert app.get("getSimilarSongs", id=number, count=10)["similarSongs"]["song"] == songs
    bees = song(app, "Song 1")
    assert app.get("getSimilarSongs2", id=bees["artistId"])["similarSongs2"]["song"] == []
    for method, wrong in (("getSimilarSongs", "al-999"), ("getSimilarSongs", "ar-999"), ("getSimilarSongs", "x"),
                          ("getSimilarSongs2", track["id"]), ("getSimilarSongs2", "ar-999")):  # fmt: skip
        assert app.error(method, id=wrong) == 70


def path(client: Client, first: str, last: str, **given: Any) -> list[Any]:
    ends = {"startSongId": song(client, first)["id"], "endSongId": song(client, last)["id"]}
    return list(client.get("findSonicPath", **ends, **given)["sonicMatch"])


def test_a_path_leads_from_one_song_to_another(analysed: Services, app: Client) -> None:
    for first, last, count in ((2, 37, 6), (37, 2, 6), (0, 39, 25), (5, 6, 2), (5, 6, 4)):
        found = path(app, f"Line {first}", f"Line {last}", count=count)
        on_path = places([match["entry"] for match in found])
        assert (on_path[0], on_path[-1], len(on_path), len(set(on_path))) == (first, last, count, count)
        assert found[0]["similarity"] == 1.0
        if count > 2:
            assert all(a // 10 != b // 10 for a, b in pairwise(on_path))  # the next one is of another artist
        if count == 6:
            assert max(abs(a - b) for a, b in pairwise(on_path)) <= 11
            assert all(abs(a - b) <= 4 for a, b in zip(on_path, sorted(on_path, reverse=first > last), strict=True))
            assert found[1]["similarity"] > 10 * found[-1]["similarity"]
    assert len(path(app, "Line 1", "Line 2", count=1)) == 2
    assert len(path(app, "Line 1", "Line 2", count=500)) == NUMBER
    assert len(path(app, "Line 1", "Line 30")) == 25
    assert places([match["entry"] for match in path(app, "Line 1", "Line 1", count=2)]) == [1]
    with analysed.database.transaction() as db:
        mark_missing(db, ["/r/line/10.flac"])
    assert 10 not in places([match["entry"] for match in path(app, "Line 9", "Line 11", count=10)])
    with analysed.database.transaction() as db:
        db.execute("UPDATE tracks SET missing_since = NULL")
    one, alone = song(app, "Line 1")["id"], song(app, "Alone")["id"]
    assert (app.error("findSonicPath"), app.error("findSonicPath", startSongId=one)) == (10, 10)
    for start, end, code in ((one, "tr-999", 70), (one, alone, 0), ("x", one, 70), ("al-1", one, 70)):
        assert app.error("findSonicPath", startSongId=start, endSongId=end) == code


def test_what_is_told_of_artists_and_albums(app: Client) -> None:
    track = song(app, "Line 5")
    for number in (track["artistId"], track["albumId"], track["id"]):
        info = app.get("getArtistInfo2", id=number, count=1)["artistInfo2"]
        assert (info["musicBrainzId"], [a["name"] for a in info["similarArtist"]]) == (ID_A, ["Group 1"])
        older = app.get("getArtistInfo", id=number, count=1)["artistInfo"]
        assert [a["id"] for a in older["similarArtist"]] == [a["id"] for a in info["similarArtist"]]
    bees = song(app, "Song 1")
    assert app.get("getArtistInfo2", id=bees["artistId"])["artistInfo2"]["similarArtist"] == []
    for method in ("getAlbumInfo", "getAlbumInfo2"):
        for number in (track["albumId"], track["id"], song(app, "Alone")["id"]):
            assert app.get(method, id=number)["albumInfo"]["notes"] == ""
        assert (app.error(method), app.error(method, id="al-999"), app.error(method, id=track["artistId"])) == (
            10,
            70,
            70,
        )
    assert (app.error("getArtistInfo2"), app.error("getArtistInfo2", id="ar-999")) == (10, 70)


def test_the_songs_heard_most(app: Client) -> None:
    three, four = song(app, "Line 33"), song(app, "Line 34")
    app.get("scrobble", id=[three["id"], four["id"], four["id"]], time=[1000, 2000, 3000])
    for given in ({"id": three["artistId"]}, {"artist": "group 3"}, {"artist": "x", "id": three["artistId"]}):
        assert places(app.get("getTopSongs", **given)["topSongs"]["song"]) == [34, 33]
    assert len(app.get("getTopSongs", artist="Group 3", count=1)["topSongs"]["song"]) == 1
    assert app.get("getTopSongs", artist="Nobody")["topSongs"]["song"] == []
    assert (app.error("getTopSongs"), app.error("getTopSongs", id="ar-999"), app.error("getTopSongs", id="x")) == (
        10, 70, 70,
    )  # fmt: skip


def test_lists_of_what_does_not_exist_are_empty(ada: Client) -> None:
    for method in unsupported.METHODS:
        if method.startswith("get") and method not in {"getVideoInfo", "getPodcastEpisode", "getAvatar", "getCaptions"}:
            ada.get(method)
        else:
            assert ada.error(method) in {0, 70}, method
