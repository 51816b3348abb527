"""What users keep, over the public API."""

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from soniquebay.api.access import COOKIE
from soniquebay.api.public import public_app
from soniquebay.api.server import make_services
from soniquebay.api.services import Services
from soniquebay.library import sessions
from soniquebay.library.database import Database
from soniquebay.library.missing_tracks import mark_missing
from soniquebay.listeners import app_passwords, playlists, users
from soniquebay.settings import from_environment
from tests.unit.songs import file, insert


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Services:
    data = str(tmp_path_factory.mktemp("data"))
    made = make_services(from_environment({"SONIQUEBAY_DATA": data, "SONIQUEBAY_MUSIC": "/r"}))
    made.accounts.make_owner("Ada", "correct horse")
    with made.accounts.change() as db:
        users.add(db, "Bob", "long enough", "listen")
    insert(
        made.database,
        *(file(f"/r/{n}.flac", title=f"Song {n}", artist="A", album=f"X{n // 4}", duration=60 + n) for n in range(8)),
        file("/r/#odd\\xff.flac", title="Odd\nname", artist="Ä", duration=99.6),
        file("/r/two\nlines.flac", title="Left out", artist="B"),
    )
    return made


def client_of(services: Services, name: str, password: str) -> TestClient:
    _, token = services.accounts.sign_in(name, password, "testclient", "")
    return TestClient(public_app(services), "http://localhost", cookies={COOKIE: token})


@pytest.fixture(scope="module")
def ada(services: Services) -> TestClient:
    return client_of(services, "Ada", "correct horse")


@pytest.fixture(scope="module")
def bob(services: Services) -> TestClient:
    return client_of(services, "Bob", "long enough")


def ok(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


def test_stars_and_ratings(ada: TestClient, bob: TestClient) -> None:
    ok(ada.put("/api/stars/track/1"), 204)
    ok(ada.put("/api/stars/album/1"), 204)
    ok(ada.put("/api/ratings/track/1", json={"rating": 4}), 204)
    listed = ok(ada.get("/api/marks/track?limit=1"))
    assert [track["id"] for track in listed["tracks"]] == [1] and listed["next"] is None
    assert listed["items"]["1"]["rating"] == 4 and listed["items"]["1"]["starred_at"] > 10**9
    assert [album["title"] for album in ok(ada.get("/api/marks/album"))["albums"]] == ["X0"]
    assert ok(ada.get("/api/marks/artist?sort=rated")) == {"artists": [], "items": {}, "next": None}
    assert ok(ada.get("/api/marks/track/by-id?id=1&id=2"))["items"].keys() == {"1"}
    assert ok(bob.get("/api/marks/track/by-id?id=1"))["items"] == {}
    ok(ada.delete("/api/stars/track/1"), 204)
    ok(ada.delete("/api/stars/track/999"), 204)
    ok(ada.put("/api/ratings/track/1", json={"rating": 0}), 204)
    assert ok(ada.get("/api/marks/track/by-id?id=1"))["items"] == {}
    assert ada.put("/api/stars/track/999").json() == {"detail": "no track 999"}
    for method, path, body, status in (
        ("PUT", "/api/stars/genre/1", None, 422), ("PUT", "/api/stars/track/999", None, 404),
        ("PUT", "/api/ratings/track/1", {"rating": 6}, 422), ("PUT", "/api/ratings/album/999", {"rating": 1}, 404),
        ("GET", "/api/marks/track?cursor=x", None, 422), ("GET", "/api/marks/track/by-id", None, 422),
        ("GET", "/api/marks/track?sort=title", None, 422),
    ):  # fmt: skip
        assert ada.request(method, path, json=body).status_code == status, path


def test_plays(ada: TestClient, bob: TestClient) -> None:
    assert ok(ada.post("/api/plays", json={"track_id": 2, "played_at": 100, "client": "app"})) == {"recorded": True}
    assert ok(ada.post("/api/plays", json={"track_id": 2, "played_at": 100})) == {"recorded": False}
    assert ok(ada.post("/api/plays", json={"track_id": 3, "played_at": 9e11})) == {"recorded": True}
    newest, oldest = ok(ada.get("/api/plays"))["items"]
    assert newest["track"]["id"] == 3 and newest["client"] == "testclient" and newest["played_at"] < 8e11
    assert (oldest["title"], oldest["played_at"], oldest["client"]) == ("Song 1", 100, "app")
    assert ok(ada.get("/api/plays?before=100"))["items"] == []
    played = ok(ada.get("/api/marks/album?sort=most_played"))
    assert [played["items"][str(album["id"])]["play_count"] for album in played["albums"]] == [2]
    assert ok(bob.get("/api/plays"))["items"] == []
    ok(ada.post("/api/plays", json={"track_id": 999}), 422)


def test_the_queue(ada: TestClient, bob: TestClient) -> None:
    nothing = {"items": [], "total": 0, "position": 0, "position_ms": 0, "changed_by": None, "changed_at": None}
    assert ok(ada.get("/api/queue")) == nothing
    ok(ada.put("/api/queue", json={"track_ids": [1, 2, 1], "position": 2, "position_ms": 1234, "client": "phone"}), 204)
    queue = ok(ada.get("/api/queue?offset=1"))
    assert [entry["track"]["id"] for entry in queue["items"]] == [2, 1]
    assert (queue["total"], queue["position"], queue["position_ms"], queue["changed_by"]) == (3, 2, 1234, "phone")
    assert ok(bob.get("/api/queue")) == nothing
    for body in ({"track_ids": [999]}, {"track_ids": [1], "position": 1}, {"track_ids": [1], "position_ms": -1}):
        ok(ada.put("/api/queue", json=body), 422)
    assert ok(ada.get("/api/queue"))["total"] == 3


def test_bookmarks(ada: TestClient, bob: TestClient) -> None:
    ok(ada.put("/api/bookmarks/1", json={"position_ms": 5000, "comment": "here"}), 204)
    [bookmark] = ok(ada.get("/api/bookmarks"))["items"]
    assert (bookmark["track"]["id"], bookmark["position_ms"], bookmark["comment"]) == (1, 5000, "here")
    ok(bob.delete("/api/bookmarks/1"), 404)
    ok(ada.put("/api/bookmarks/999", json={"position_ms": 1}), 404)
    ok(ada.delete("/api/bookmarks/1"), 204)
    assert ok(ada.get("/api/bookmarks"))["items"] == []


def test_playlists(ada: TestClient, bob: TestClient) -> None:
    made = ok(ada.post("/api/playlists", json={"name": "Mix", "track_ids": [1, 2, 1]}), 201)
    path = f"/api/playlists/{made['id']}"
    assert (made["entry_count"], made["is_public"], made["user_name"]) == (3, False, "Ada")
    ok(bob.get(path), 404)
    assert ok(ada.patch(path, json={"is_public": True, "comment": "c"}))["comment"] == "c"
    assert [p["name"] for p in ok(bob.get("/api/playlists"))["items"]] == ["Mix"]
    revision = ok(ada.post(f"{path}/entries", json={"track_ids": [3, 4]}))["revision"]
    body = {"position": 3, "count": 2, "to": 0, "revision": revision}
    assert ok(ada.post(f"{path}/entries/move", json=body))["revision"] == revision + 1
    ok(ada.post(f"{path}/entries/remove", json={"positions": [0], "revision": revision}), 409)
    ok(ada.post(f"{path}/entries/remove", json={"positions": [2, 4]}))
    listed = ok(bob.get(f"{path}/entries?limit=2"))
    assert ([entry["track"]["id"] for entry in listed["items"]], listed["total"]) == ([3, 4], 3)
    ok(ada.put(f"{path}/entries", json={"track_ids": [5]}))
    assert ok(ada.get(path))["entry_count"] == 1
    for method, where, content, status in (
        ("PATCH", "", {"name": "x"}, 403), ("DELETE", "", None, 403), ("PUT", "/entries", {"track_ids": []}, 403),
        ("POST", "/entries", {"track_ids": [1]}, 403), ("POST", "/entries/remove", {"positions": [0]}, 403),
        ("POST", "/entries/move", {"position": 0, "to": 0}, 403), ("GET", "/m3u8", None, 200),
    ):  # fmt: skip
        assert bob.request(method, path + where, json=content).status_code == status, where
    for method, where, content, status in (
        ("PATCH", "", {"name": " "}, 422), ("PUT", "/entries", {"track_ids": [999]}, 422),
        ("POST", "/entries/remove", {"positions": [7]}, 422), ("POST", "/entries/move", {"position": 0, "to": 1}, 422),
        ("PUT", "/entries", {"track_ids": [1] * (playlists.MAX_ENTRIES + 1)}, 422), ("GET", "9", None, 404),
    ):  # fmt: skip
        assert ada.request(method, path + where, json=content).status_code == status, where
    ok(ada.delete(path), 204)
    ok(ada.get(path), 404)


def test_smart_playlists(ada: TestClient, bob: TestClient) -> None:
    rules: dict[str, Any] = {"all": [{"contains": {"album": "X1"}}, {"gt": {"duration": 65}}], "sort": "-title"}
    made = ok(ada.post("/api/playlists", json={"name": "Smart", "rules": rules, "is_public": True}), 201)
    path = f"/api/playlists/{made['id']}"
    assert (made["rules"], made["entry_count"]) == (rules, 0)
    for client in (ada, bob):
        listed = ok(client.get(f"{path}/entries?limit=1&offset=1"))
        assert ([entry["title"] for entry in listed["items"]], listed["total"]) == (["Song 6"], 2)
    assert b"7.flac\n" in ada.get(f"{path}/m3u8").content
    rules["all"].pop()
    assert ok(ada.patch(path, json={"rules": rules}))["rules"] == rules
    assert ok(ada.get(f"{path}/entries"))["total"] == 4
    plain = ok(ada.post("/api/playlists", json={"name": "Plain"}), 201)
    assert plain["rules"] is None
    for method, where, body in (
        ("POST", path + "/entries", {"track_ids": [1]}), ("PATCH", path, {"rules": {"all": []}}),
        ("PATCH", f"/api/playlists/{plain['id']}", {"rules": rules}),
        ("POST", "/api/playlists", {"name": "x", "rules": rules, "track_ids": [1]}),
        ("POST", "/api/playlists", {"name": "x", "rules": {"all": [{"is": {"nothing": 1}}]}}),
        ("POST", "/api/playlists", {"name": "x", "rules": {**rules, "more": "x" * 100_000}}),
    ):  # fmt: skip
        assert isinstance(ok(ada.request(method, where, json=body), 422)["detail"], str)
    half = '{"name": "x", "%s": %s}'
    for name, value in (
        ("comment", '"\\ud800"'),
        ("rules", '{"all": [{"is": {"title": "\\ud800"}}]}'),
        ("rules", '{"x": NaN}'),
    ):
        ok(ada.post("/api/playlists", content=half % (name, value), headers={"Content-Type": "application/json"}), 422)
    for playlist in (made, plain):
        ok(ada.delete(f"/api/playlists/{playlist['id']}"), 204)


def test_a_playlist_as_a_file(ada: TestClient) -> None:
    made = ok(ada.post("/api/playlists", json={"name": "Ä/b", "track_ids": [1, 10, 9]}), 201)
    answer = ada.get(f"/api/playlists/{made['id']}/m3u8")
    assert answer.content == (
        "#EXTM3U\n#PLAYLIST:Ä/b\n#EXTINF:60,A - Song 0\n0.flac\n#EXTINF:100,Ä - Odd name\n./#odd".encode()
        + b"\xff.flac\n"
    )
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''%C3%84_b.m3u8"
    ok(ada.delete(f"/api/playlists/{made['id']}"), 204)


def test_missing_tracks_stay_in_playlists(services: Services, ada: TestClient) -> None:
    made = ok(ada.post("/api/playlists", json={"name": "M", "track_ids": [8, 1]}), 201)
    with services.database.transaction() as db:
        mark_missing(db, ["/r/7.flac"])
    listed = ok(ada.get(f"/api/playlists/{made['id']}/entries"))["items"]
    assert [(entry["title"], entry["is_missing"]) for entry in listed] == [("Song 7", True), ("Song 0", False)]


def test_who_has_no_name_keeps_nothing(services: Services, tmp_path: Path) -> None:
    settings = {"SONIQUEBAY_DATA": str(tmp_path), "SONIQUEBAY_LOGIN": "off"}
    machine = TestClient(public_app(make_services(from_environment(settings))), "http://localhost")
    guest_settings = {"SONIQUEBAY_DATA": str(tmp_path / "guests"), "SONIQUEBAY_GUESTS": "on"}
    guest = TestClient(
        public_app(make_services(from_environment(guest_settings))), "http://localhost", client=("127.0.0.1", 1)
    )
    for client in (machine, guest):
        for path in ("/api/queue", "/api/plays", "/api/bookmarks", "/api/playlists", "/api/marks/track"):
            answer = client.get(path)
            assert (answer.status_code, "sign in" in answer.text) == (403, True), path
    assert machine.put("/api/stars/track/1").status_code == 403


def test_a_start_with_another_library_shows_no_star_of_the_old_one(tmp_path: Path) -> None:
    settings = from_environment({"SONIQUEBAY_DATA": str(tmp_path)})
    before = make_services(settings)
    before.accounts.make_owner("Ada", "correct horse")
    songs = [file(f"/r/{n}", title=f"Song {n}", artist="A", duration=60 + n) for n in range(3)]
    insert(before.database, *songs)
    ok(client_of(before, "Ada", "correct horse").put("/api/stars/track/1"), 204)
    for library in tmp_path.glob("library.db*"):
        library.unlink()
    other = Database(settings.database)
    other.migrate()
    insert(other, *songs[::-1])
    services = make_services(settings)
    client = client_of(services, "Ada", "correct horse")
    assert ok(client.get("/api/marks/track"))["tracks"] == []
    with services.database.transaction() as db:
        sessions.cancel(db, 1)
    services.upkeep.run()
    assert [track["title"] for track in ok(client.get("/api/marks/track"))["tracks"]] == ["Song 0"]


def test_an_app_keeps_things_for_its_user(services: Services) -> None:
    with services.accounts.change() as db:
        _, password = app_passwords.make(db, services.accounts.key, 2, "x", "listen")
    app = TestClient(public_app(services), "http://localhost", headers={"Authorization": f"Bearer {password}"})
    ok(app.put("/api/stars/track/2"), 204)
    assert [track["id"] for track in ok(app.get("/api/marks/track"))["tracks"]] == [2]


def test_marks_of_the_tags(services: Services, ada: TestClient, bob: TestClient) -> None:
    insert(services.database, file("/r/rated.flac", title="Rated", artist="C", rating="60", play_count="7"))
    assert ok(bob.post("/api/marks/import")) == {"ratings": 1, "play_counts": 1, "stars": 0}
    assert ok(bob.post("/api/marks/import")) == {"ratings": 0, "play_counts": 0, "stars": 0}
    me = ok(ada.get("/api/session"))["user"]["id"]
    assert ok(ada.post(f"/api/users/{me}/marks/import")) == {"ratings": 1, "play_counts": 1, "stars": 0}
    ok(ada.post("/api/users/999/marks/import"), 404)
    ok(bob.post(f"/api/users/{me}/marks/import"), 403)
    [track] = ok(ada.get("/api/marks/track?sort=most_played"))["tracks"][:1]
    marks = ok(ada.get(f"/api/marks/track/by-id?id={track['id']}"))["items"][str(track["id"])]
    assert (track["title"], marks["rating"], marks["play_count"], marks["last_played_at"]) == ("Rated", 3, 7, None)


def test_a_copy_is_ones_own(services: Services, ada: TestClient, bob: TestClient) -> None:
    body = {"name": "Shared", "comment": "c", "is_public": True, "track_ids": [2, 1, 2]}
    made = ok(ada.post("/api/playlists", json=body), 201)
    copy = ok(bob.post(f"/api/playlists/{made['id']}/copy", json={"name": "Mine"}), 201)
    assert (copy["user_name"], copy["comment"], copy["is_public"]) == ("Bob", "c", False)
    entries = ok(bob.get(f"/api/playlists/{copy['id']}/entries"))["items"]
    assert [entry["track"]["id"] for entry in entries] == [2, 1, 2]
    ok(bob.delete(f"/api/playlists/{copy['id']}"), 204)
    smart = ok(ada.post("/api/playlists", json={"name": "S", "rules": {"all": [{"is": {"loved": True}}]}}), 201)
    ok(bob.post(f"/api/playlists/{smart['id']}/copy", json={"name": "Mine"}), 404)
    copy = ok(ada.post(f"/api/playlists/{smart['id']}/copy", json={"name": "Mine"}), 201)
    assert copy["rules"] == smart["rules"]
    ok(ada.post(f"/api/playlists/{smart['id']}/copy", json={}), 422)
    for playlist_id in (made["id"], smart["id"], copy["id"]):
        ok(ada.delete(f"/api/playlists/{playlist_id}"), 204)
