"""Sound tags over the API: lists, a track, radio, blend and smart playlists, always apart from what files say."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from soniquebay.api.public import public_app
from soniquebay.api.server import make_services
from soniquebay.api.services import Services
from soniquebay.audio.feature_schema import FEATURE_VERSION, VECTOR_SIZE
from soniquebay.library.missing_tracks import mark_missing
from soniquebay.library.similarity import vectors
from soniquebay.listeners import app_passwords
from soniquebay.settings import from_environment
from tests.support.tagged_library import tag
from tests.unit.songs import file, insert

NUMBER = 40  # the top fifth has eight


@pytest.fixture
def services(tmp_path_factory: pytest.TempPathFactory) -> Services:
    """Return a library of four albums; the first two tracks of each ten have no genre."""
    folder = str(tmp_path_factory.mktemp("tags"))
    services = make_services(from_environment({"SONIQUEBAY_DATA": folder, "SONIQUEBAY_CLAIM_FOLDER": folder}))
    services.accounts.make_owner("Ada", "correct horse")
    insert(
        services.database,
        *(file(f"/r/{n}.flac", title=f"Song {n:02}", artist=f"Group {n % 5}", album=f"Record {n // 10}",
               album_artist="Many", genres=["Folk"] if n % 10 > 1 else []) for n in range(NUMBER)),
    )  # fmt: skip
    chance = np.random.default_rng(1)
    with services.database.transaction() as db:
        for n in range(1, NUMBER + 1):
            data = chance.normal(size=VECTOR_SIZE).astype("<f4").tobytes()
            vectors.store(db, n, FEATURE_VERSION, data, None)
    tag(
        services.database,
        metal={n: 0.9 - n / 100 for n in range(1, 10)},  # 1 to 8 are the top fifth
        guitar={3: 0.5, 8: 0.9, 20: 0.2},
        ambient={21: 0.4, 22: 0.6},
        instrumental={2: 0.95, 21: 0.9, 22: 0.3},
    )
    return services


@pytest.fixture
def client(services: Services) -> Iterator[TestClient]:
    _, token = services.accounts.sign_in("Ada", "correct horse", "testclient", "")
    yield TestClient(
        public_app(services),
        "http://localhost",
        cookies={"soniquebay_session": token},
        headers={"Origin": "http://localhost"},
    )


def get(client: TestClient, path: str, **query: Any) -> Any:
    answer = client.get(f"/api/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def ids(client: TestClient, path: str = "tracks", **query: Any) -> list[int]:
    return [item["id"] for item in get(client, path, **query)["items"]]


def test_all_tags_are_listed_with_their_numbers_of_tracks(client: TestClient) -> None:
    found = {item["name"]: item for item in get(client, "sound-tags")["items"]}
    assert found["metal"] == {"name": "metal", "is_genre": True, "tracks": 8}
    assert found["guitar"] == {"name": "guitar", "is_genre": False, "tracks": 3}
    assert found["jazz"]["tracks"] == 0
    assert not {"80s", "sad", "chillout"} & set(found)


def test_tracks_are_found_by_tags(client: TestClient) -> None:
    page = get(client, "tracks", tag="metal", sort="title")
    assert ([item["id"] for item in page["items"]], page["total"]) == ([1, 2, 3, 4, 5, 6, 7, 8], 8)
    assert ids(client, tag=["metal", "guitar"], sort="title") == [3, 8]
    assert ids(client, tag=["Metal", "metal"], album_id=1, limit=2, sort="title") == [1, 2]
    assert ids(client, tag="jazz") == []
    assert set(ids(client, tag="metal", sort="random", seed=1)) == set(range(1, 9))
    assert set(ids(client, tag="metal", sort="similar", similar_to=1)) == set(range(2, 9))


def test_the_order_by_tags_has_the_most_likely_first_over_all_pages(client: TestClient) -> None:
    assert ids(client, tag=["instrumental", "ambient"], sort="tag") == [21, 22]
    assert ids(client, tag="guitar", sort="tag") == [8, 3, 20]
    found, cursor = [], None
    while True:
        page = get(client, "tracks", tag="metal", sort="tag", limit=3, **({"cursor": cursor} if cursor else {}))
        assert page["total"] == (None if cursor else 8)
        found += [item["id"] for item in page["items"]]
        if (cursor := page["next"]) is None:
            break
    assert found == list(range(1, 9))


@pytest.mark.parametrize(
    "query",
    ["tracks?tag=mettal", "tracks?tag=metal&tag=80s", "albums?tag=sad", "radio?tag=mettal", "blend?more=1&tag=x"],
)
def test_an_unknown_tag_is_refused_with_the_known_ones(client: TestClient, query: str) -> None:
    answer = client.get(f"/api/{query}")
    assert answer.status_code == 422
    assert "hard rock, heavy metal, hip-hop" in answer.text


@pytest.mark.parametrize(
    "query",
    ["tracks?sort=tag", "tracks?tag=metal&sort=tag&order=desc", "tracks?tag=metal&missing=true", "artists?tag=metal",
     "tracks?" + "&".join(["tag=metal"] * 11), "radio?tag=metal&track_id=1&album_id=1", "albums?tag=metal&sort=tag"],
)  # fmt: skip
def test_what_is_not_described_is_refused(client: TestClient, query: str) -> None:
    assert client.get(f"/api/{query}").status_code == 422


def test_an_album_has_a_tag_that_half_of_its_tracks_have(client: TestClient, services: Services) -> None:
    assert ids(client, "albums", tag="metal") == [1]
    assert get(client, "albums", tag="metal")["total"] == 1
    assert ids(client, "albums", tag="guitar") == []
    with services.database.transaction() as db:
        mark_missing(db, [f"/r/{n}.flac" for n in range(5)])
    assert ids(client, "albums", tag="metal") == [1]  # 6 to 9 of the five that are there
    tag(services.database, metal={1: 0.9, 6: 0.9, 7: 0.9})
    assert ids(client, "albums", tag="metal") == []  # 6 and 7, as 1 is missing


def test_a_track_tells_what_is_guessed_apart_from_what_its_file_says(client: TestClient) -> None:
    heard = get(client, "tracks/8")
    assert heard["sound_tags"] == [
        {"name": "guitar", "position": 1, "share": 0.025}, {"name": "metal", "position": 8, "share": 0.2}
    ]  # fmt: skip
    assert (heard["genres"], heard["guessed_genre"]) == (["Folk"], None)
    without = get(client, "tracks/1")
    assert (without["genres"], without["guessed_genre"]) == ([], "metal")
    assert get(client, "tracks/40")["sound_tags"] == []
    assert get(client, "tracks/11")["guessed_genre"] is None
    assert [genre["name"] for genre in get(client, "genres")["items"]] == ["Folk"]
    assert not get(client, "search", q="metal")["items"]


def test_a_radio_plays_what_has_the_tags(client: TestClient) -> None:
    found = ids(client, "radio", tag="metal", limit=5, seed=3)
    assert (len(found), set(found) <= set(range(1, 9))) == (5, True)
    assert ids(client, "radio", tag="metal", limit=5, seed=3) == found
    rest = ids(client, "radio", tag="metal", exclude=found)
    assert set(rest) == set(range(1, 9)) - set(found)
    assert ids(client, "radio", tag=["instrumental", "ambient"], seed=1) == [21, 22]
    assert set(ids(client, "radio", tag="metal", track_id=30)) == set(range(1, 9))
    assert client.get("/api/radio?tag=jazz").status_code == 404


def test_a_blend_has_only_what_has_the_tags(client: TestClient) -> None:
    assert set(ids(client, "blend", more=30, tag="guitar")) == {3, 8, 20}
    assert set(ids(client, "blend", more=3, tag="guitar", limit=1)) < {8, 20}


def test_a_smart_playlist_selects_by_tags(client: TestClient) -> None:
    rules = {"all": [{"is": {"tag": "instrumental"}}, {"isNot": {"tag": "Metal"}}], "sort": "title"}
    made = client.post("/api/playlists", json={"name": "Quiet", "rules": rules})
    assert made.status_code == 201, made.text
    entries = get(client, f"playlists/{made.json()['id']}/entries")["items"]
    assert [entry["track"]["id"] for entry in entries] == [21, 22]
    wrong = client.post("/api/playlists", json={"name": "x", "rules": {"all": [{"is": {"tag": "sad"}}]}})
    assert wrong.status_code == 422
    assert "heavy metal" in wrong.text


def test_no_app_is_told_a_guess_as_a_genre(client: TestClient, services: Services) -> None:
    with services.accounts.change() as db:
        _, password = app_passwords.make(db, services.accounts.key, 1, "app", "listen")
    query = {"u": "Ada", "p": password, "v": "1.16.1", "c": "test", "f": "json"}
    song = client.get("/rest/getSong", params={**query, "id": "tr-1"})
    assert song.json()["subsonic-response"]["status"] == "ok", song.text
    assert "metal" not in song.text
    assert "metal" not in client.get("/rest/getGenres", params=query).text
