"""Path, radio and blend over the API, and the points of the map as it encodes them."""

import gzip
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from soniquebay.api.public import public_app
from soniquebay.api.server import make_services
from soniquebay.api.services import Services
from soniquebay.audio.feature_schema import FEATURE_VERSION, VECTOR_SIZE
from soniquebay.library.similarity import map_places, sound_tags, vectors
from soniquebay.settings import from_environment
from tests.support.tagged_library import stored
from tests.unit.songs import file, insert

NUMBER = 40


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Services:
    """Return a library whose tracks lie on a line; the last one is not analysed."""
    folder = str(tmp_path_factory.mktemp("by_sound"))
    services = make_services(from_environment({"SONIQUEBAY_DATA": folder, "SONIQUEBAY_CLAIM_FOLDER": folder}))
    services.accounts.make_owner("Ada", "correct horse")
    insert(
        services.database,
        *(file(f"/r/{n}.flac", title=f"Line {n}", artist=f"Group {n % 5}", album=f"Record {n // 10}",
               genres=["Folk" if n < 20 else "Jazz"], year=1990 + n) for n in range(NUMBER + 1)),
    )  # fmt: skip
    chance = np.random.default_rng(1)
    ends = chance.normal(size=(2, VECTOR_SIZE))
    with services.database.transaction() as db:
        for row in db.execute("SELECT id FROM tracks WHERE id <= ?", (NUMBER,)).fetchall():
            share = (row["id"] - 1) / (NUMBER - 1)
            data = (ends[0] * (1 - share) + ends[1] * share + 1e-4 * chance.normal(size=VECTOR_SIZE)).astype("<f4")
            vectors.store(db, row["id"], FEATURE_VERSION, data.tobytes(), None)
        sound_tags.store(db, 1, stored(folk=0.3, metal=0.2))
        sound_tags.store(db, 2, stored(metal=0.3, folk=0.1))
        layout = map_places.begin(db)
        map_places.store(db, layout, [(i, 10 * i, 65_535 - i) for i in range(1, NUMBER + 1)])
        map_places.finish(db, layout, FEATURE_VERSION, map_places.ALGORITHM_VERSION)
    return services


@pytest.fixture
def client(services: Services) -> Iterator[TestClient]:
    _, token = services.accounts.sign_in("Ada", "correct horse", "testclient", "")
    yield TestClient(public_app(services), "http://localhost", cookies={"soniquebay_session": token})


def ids(client: TestClient, path: str, **query: Any) -> list[int]:
    answer = client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


def test_a_path_leads_from_one_to_another(client: TestClient) -> None:
    found = ids(client, "/api/path", **{"from": 3, "to": 38, "length": 8})
    assert (found[0], found[-1], len(found)) == (3, 38, 8)
    assert found == sorted(found)  # along the line
    assert ids(client, "/api/path", **{"from": 3, "to": 3}) == [3]


@pytest.mark.parametrize("query", ["from=3&to=41", "from=999&to=3"])
def test_there_is_no_path_without_a_vector(client: TestClient, query: str) -> None:
    answer = client.get(f"/api/path?{query}")
    assert answer.status_code == 404
    assert "has no vector" in answer.json()["detail"]


@pytest.mark.parametrize(
    "path",
    ["path?from=1", "path?from=1&to=2&length=1", "path?from=1&to=2&length=101", "path?from=1&to=2&more=1", "radio",
     "radio?track_id=1&album_id=1", "radio?track_id=0", "radio?track_id=1&limit=201",
     "radio?track_id=1&" + "&".join(["exclude=1"] * 501), "blend", "blend?less=1", "blend?more=x",
     "map/tracks", "map/tracks?id=0", "map/tracks?" + "&".join(["id=1"] * 201)],
)  # fmt: skip
def test_what_is_not_described_is_refused(client: TestClient, path: str) -> None:
    assert client.get(f"/api/{path}").status_code == 422


def test_a_radio_plays_what_is_near_from_artist_to_artist(client: TestClient) -> None:
    heard = ids(client, "/api/radio", track_id=20, exclude=[20], limit=10)
    assert 20 not in heard
    assert sum(abs(i - 20) for i in heard) / 10 < 12
    more = ids(client, "/api/radio", track_id=20, exclude=[20, *heard], limit=10)
    assert not {20, *heard} & set(more)
    assert all((a - b) % 5 for a, b in pairwise([20, *heard, *more]))
    assert ids(client, "/api/radio", track_id=20, seed=4) == ids(client, "/api/radio", track_id=20, seed=4)


@pytest.mark.parametrize(("what", "near"), [("album_id", range(1, 11)), ("genre_id", range(1, 21))])
def test_a_radio_of_an_album_and_a_genre(client: TestClient, what: str, near: range) -> None:
    found = ids(client, "/api/radio", **{what: 1, "limit": 5, "seed": 1})
    assert sum(i in range(1, near.stop + 6) for i in found) >= 4


def test_a_radio_of_what_is_not_there_is_none(client: TestClient) -> None:
    for query in ("track_id=41", "track_id=999", "album_id=999", "artist_id=999", "genre_id=999"):
        assert client.get(f"/api/radio?{query}").status_code == 404, query


def test_a_blend_lies_between_some_and_away_from_others(client: TestClient) -> None:
    between = ids(client, "/api/blend", more=[10, 30], limit=6)
    assert not {10, 30} & set(between)
    assert all(14 <= i <= 26 for i in between)
    away = ids(client, "/api/blend", more=[20], less=[30], limit=6)
    assert sum(away) / 6 < 19
    assert ids(client, "/api/blend", more=[20], less=[41], limit=3) == ids(client, "/api/blend", more=[20], limit=3)
    assert client.get("/api/blend?more=41").status_code == 404


def test_the_map_is_encoded_as_described(client: TestClient) -> None:
    answer = client.get("/api/map")
    assert answer.headers["content-encoding"] == "gzip"
    body = answer.content
    assert body[:4] == b"SBM2"
    n = int.from_bytes(body[4:8], "little")
    assert (n, len(body)) == (NUMBER, 8 + 21 * NUMBER)
    words = np.frombuffer(body, "<u4", 3 * n, 8).reshape(3, n)
    halves = np.frombuffer(body, "<u2", 3 * n, 8 + 12 * n).reshape(3, n)
    assert words[0].tolist() == list(range(1, NUMBER + 1))
    assert words[1].tolist() == [1 + (i % 5) for i in range(NUMBER)]
    assert words[2].tolist() == [1 if i < 20 else 2 for i in range(NUMBER)]
    assert halves[:, 6].tolist() == [70, 65_528, 1996]
    assert not any(body[8 + 18 * n : 8 + 20 * n])  # no key, no tempo
    names = client.get("/api/map/names").json()["sound_tags"]
    assert [names[number - 1] if number else "" for number in body[8 + 20 * n :]] == ["folk", "metal"] + [""] * (n - 2)
    plain = client.get("/api/map", headers={"Accept-Encoding": "identity"})
    assert (plain.content, "content-encoding" in plain.headers) == (body, False)
    assert gzip.decompress(gzip.compress(body)) == body
    same = client.get("/api/map", headers={"If-None-Match": answer.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    assert client.get("/api/map", headers={"If-None-Match": '"other"'}).status_code == 200


def test_the_map_says_how_much_is_on_it(client: TestClient) -> None:
    assert client.get("/api/map/state").json() == {
        "tracks": NUMBER + 1, "analysed": NUMBER, "placed": NUMBER, "layout": 1, "progress": None
    }  # fmt: skip
    names = client.get("/api/map/names").json()
    assert [genre["name"] for genre in names["genres"]] == ["Folk", "Jazz"]
    assert {artist["name"] for artist in names["artists"]} == {f"Group {n}" for n in range(5)}


def test_tracks_of_the_map_are_told_by_their_ids(client: TestClient) -> None:
    assert ids(client, "/api/map/tracks", id=[7, 3, 999]) == [7, 3]


def test_the_map_is_made_anew_after_a_write(client: TestClient, services: Services) -> None:
    before = client.get("/api/map")
    assert services.map_body.get() is services.map_body.get()
    with services.database.transaction() as db:
        db.execute("UPDATE tracks SET year = 1234 WHERE id = 1")
    after = client.get("/api/map", headers={"If-None-Match": before.headers["etag"]})
    assert after.status_code == 200
    assert after.content[8 + 16 * NUMBER :][:2] == (1234).to_bytes(2, "little")
