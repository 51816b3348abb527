"""What users keep: stars, ratings, plays, playlists, the queue and bookmarks."""

import json
import time
from typing import Any

import pytest

from soniquebay.api.opensubsonic.now_playing import MAX_AGE_SECONDS, MAX_PLAYERS, NowPlaying
from soniquebay.api.services import Services
from soniquebay.library.missing_tracks import mark_missing
from soniquebay.listeners import playlists
from tests.unit.api.opensubsonic.client import Client


def titles(found: list[Any]) -> list[str]:
    return [element.get("title") or element["name"] for element in found]


@pytest.fixture
def songs(ada: Client) -> dict[str, Any]:
    return {s["title"]: s for s in ada.get("search3", query="", songCount=500)["searchResult3"]["song"]}


def albums(client: Client, kind: str) -> list[str]:
    return titles(client.get("getAlbumList2", type=kind)["albumList2"]["album"])


def test_stars(ada: Client, bob: Client, songs: dict[str, Any]) -> None:
    song = songs["Song 1"]
    ada.get("star", id=[song["id"], songs["Alone"]["id"]], albumId=song["albumId"], artistId=song["artistId"])
    found = ada.get("getStarred2")["starred2"]
    assert (set(titles(found["song"])), titles(found["album"]), titles(found["artist"])) == (
        {"Song 1", "Alone"}, ["The Hive"], ["The Bees"],
    )  # fmt: skip
    assert all("starred" in element for elements in found.values() for element in elements)
    assert titles(ada.get("getStarred")["starred"]["album"]) == ["The Hive"]
    assert (albums(ada, "starred"), albums(bob, "starred")) == (["The Hive"], [])
    assert "starred" in ada.get("getAlbum", id=song["albumId"])["album"]["song"][0]
    assert "starred" not in bob.get("getSong", id=song["id"])["song"]
    ada.get(
        "unstar",
        id=[song["id"], song["albumId"], song["artistId"], songs["Alone"]["id"], songs["Tone 2 & <more>"]["id"]],
    )
    assert ada.get("getStarred2")["starred2"] == {"artist": [], "album": [], "song": []}
    for wrong, code in (({}, 10), ({"id": "x"}, 70), ({"id": "tr-999"}, 70), ({"albumId": song["id"]}, 70),
                        ({"id": "pl-1"}, 70), ({"artistId": "ar-999"}, 70)):  # fmt: skip
        assert ada.error("star", **wrong) == code, wrong


def test_ratings(ada: Client, songs: dict[str, Any]) -> None:
    song = songs["Song 2"]
    for item in (song["id"], song["albumId"], song["artistId"]):
        ada.get("setRating", id=item, rating=4)
    assert ada.get("getSong", id=song["id"])["song"]["userRating"] == 4
    assert ada.get("getArtist", id=song["artistId"])["artist"]["userRating"] == 4
    assert albums(ada, "highest") == ["The Hive"]
    ada.get("setRating", id=song["id"], rating=0)
    assert "userRating" not in ada.get("getSong", id=song["id"])["song"]
    for wrong, code in (({"id": song["id"]}, 10), ({"rating": 1}, 10), ({"id": song["id"], "rating": 6}, 0),
                        ({"id": song["id"], "rating": "x"}, 0), ({"id": "tr-999", "rating": 1}, 70)):  # fmt: skip
        assert ada.error("setRating", **wrong) == code, wrong


def test_plays(services: Services, ada: Client, bob: Client, songs: dict[str, Any]) -> None:
    song, other = songs["Song 3"], songs["Tone 1 & <more>"]
    ada.get("scrobble", id=song["id"], submission="false")
    [heard] = bob.get("getNowPlaying")["nowPlaying"]["entry"]
    assert (heard["title"], heard["username"], heard["minutesAgo"], heard["playerName"]) == ("Song 3", "Ada", 0, "test")
    assert ada.get("getSong", id=song["id"])["song"]["playCount"] == 0
    ada.get("scrobble", id=[song["id"], song["id"], other["id"]], time=[1_600_000_000_500, 1_600_000_100_000])
    ada.get("scrobble", id=song["id"], time=1_600_000_000_500)  # sent again
    found = ada.get("getSong", id=song["id"])["song"]
    assert (found["playCount"], found["played"]) == (2, "2020-09-13T12:28:20.000Z")
    assert ada.get("getSong", id=other["id"])["song"]["played"][:4] == str(time.gmtime().tm_year)
    assert (albums(ada, "frequent"), albums(ada, "recent")) == (["The Hive", "Élan"], ["Élan", "The Hive"])
    ada.get("scrobble", id=[other["id"], other["id"]])
    assert ada.get("getSong", id=other["id"])["song"]["playCount"] == 3
    ada.get("scrobble", id=other["id"], time=9_000_000_000_000)
    assert ada.get("getSong", id=other["id"])["song"]["played"][:4] == str(time.gmtime().tm_year)
    assert "played" not in bob.get("getSong", id=song["id"])["song"]
    for wrong, code in (({}, 10), ({"id": "tr-999"}, 70), ({"id": song["albumId"]}, 70), ({"id": "x"}, 70),
                        ({"id": song["id"], "time": "x"}, 0), ({"id": song["id"], "submission": "x"}, 0)):  # fmt: skip
        assert ada.error("scrobble", **wrong) == code, wrong


def test_what_is_heard_now_is_forgotten() -> None:
    moment = [0.0]
    heard = NowPlaying(lambda: moment[0])
    heard.note("Ada", "phone", 1)
    heard.note("Ada", "phone", 2)
    moment[0] = MAX_AGE_SECONDS - 1
    assert [(p.track_id, seconds) for p, seconds in heard.all()] == [(2, MAX_AGE_SECONDS - 1)]
    moment[0] = MAX_AGE_SECONDS
    assert heard.all() == []
    for number in range(2 * MAX_PLAYERS):
        heard.note("Ada", str(number), number)
    assert len(heard.all()) == MAX_PLAYERS


def test_playlists(services: Services, ada: Client, bob: Client, songs: dict[str, Any]) -> None:
    one, two, alone = (songs[name]["id"] for name in ("Song 1", "Song 2", "Alone"))
    playlist = ada.get("createPlaylist", name="Mix", songId=[one, two, one, alone])["playlist"]
    assert titles(playlist["entry"]) == ["Song 1", "Song 2", "Song 1", "Alone"]
    assert (playlist["songCount"], playlist["owner"], playlist["public"], playlist["readonly"]) == (
        4,
        "Ada",
        False,
        False,
    )
    number = playlist["id"]
    assert bob.error("getPlaylist", id=number) == bob.error("deletePlaylist", id=number) == 70
    ada.get("updatePlaylist", playlistId=number, name="Mixed", comment="good", public="true", songIdToAdd=[two, two],
            songIndexToRemove=[0, 2])  # fmt: skip
    changed = bob.get("getPlaylist", id=number)["playlist"]
    assert titles(changed["entry"]) == ["Song 2", "Alone", "Song 2", "Song 2"]
    assert (changed["name"], changed["comment"], changed["public"], changed["readonly"]) == (
        "Mixed",
        "good",
        True,
        True,
    )
    assert titles(bob.get("getPlaylists")["playlists"]["playlist"]) == ["Mixed"]
    assert bob.error("updatePlaylist", playlistId=number, name="x") == bob.error("deletePlaylist", id=number) == 50
    assert bob.error("createPlaylist", playlistId=number, songId=one) == 50
    ada.get("updatePlaylist", playlistId=number, comment="")
    assert ada.get("getPlaylist", id=number)["playlist"]["comment"] == ""
    for method, wrong, code in (
        ("createPlaylist", {}, 10), ("createPlaylist", {"name": "\x00"}, 0),
        ("createPlaylist", {"name": "x", "songId": "tr-999"}, 70),
        ("createPlaylist", {"name": "x", "songId": "al-1"}, 70), ("createPlaylist", {"playlistId": "pl-999"}, 70),
        ("updatePlaylist", {}, 10), ("updatePlaylist", {"playlistId": "x"}, 70), ("getPlaylist", {}, 10),
        ("updatePlaylist", {"playlistId": number, "songIndexToRemove": 99}, 0),
        ("updatePlaylist", {"playlistId": number, "songIndexToRemove": -1}, 0),
        ("updatePlaylist", {"playlistId": number, "public": "x"}, 0), ("getPlaylists", {"username": "Bob"}, 50),
    ):  # fmt: skip
        assert ada.error(method, **wrong) == code, (method, wrong)
    ada.get("deletePlaylist", id=number)
    assert ada.get("getPlaylists", username="ada")["playlists"]["playlist"] == []


def test_entries_whose_files_are_missing_are_hidden_and_kept(
    services: Services, ada: Client, songs: dict[str, Any]
) -> None:
    one, two, alone = (songs[name]["id"] for name in ("Song 1", "Song 2", "Alone"))
    number = ada.get("createPlaylist", name="Kept", songId=[alone, one, two])["playlist"]["id"]
    ada.get("savePlayQueueByIndex", id=[alone, one, two], currentIndex=1)
    with services.database.transaction() as db:
        mark_missing(db, ["/r/alone.m4a"])
    queue = ada.get("getPlayQueueByIndex")["playQueueByIndex"]
    assert (titles(queue["entry"]), queue["currentIndex"]) == (["Song 1", "Song 2"], 0)
    ada.get("updatePlaylist", playlistId=number, songIndexToRemove=0)
    assert titles(ada.get("getPlaylist", id=number)["playlist"]["entry"]) == ["Song 2"]
    ada.get("createPlaylist", playlistId=number, songId=[two, one])
    assert ada.get("getPlaylist", id=number)["playlist"]["songCount"] == 2
    with services.database.transaction() as db:
        db.execute("UPDATE tracks SET missing_since = NULL")
    assert titles(ada.get("getPlaylist", id=number)["playlist"]["entry"]) == ["Song 2", "Song 1", "Alone"]
    ada.get("deletePlaylist", id=number)


def test_smart_playlists_are_read(services: Services, ada: Client) -> None:
    rules = json.dumps({"all": [{"is": {"album": "The Hive"}}], "sort": "-trackNumber", "limit": 2})
    with services.accounts.database.transaction() as db:
        made = playlists.create(db, 1, "Smart", "", [], 1.0, rules=rules)
    playlist = ada.get("getPlaylist", id=f"pl-{made.id}")["playlist"]
    assert (titles(playlist["entry"]), playlist["songCount"], playlist["readonly"]) == (["Song 5", "Song 4"], 2, True)
    assert ada.error("updatePlaylist", playlistId=f"pl-{made.id}", songIdToAdd=playlist["entry"][0]["id"]) == 0
    ada.get("deletePlaylist", id=f"pl-{made.id}")


def test_the_queue(ada: Client, bob: Client, songs: dict[str, Any]) -> None:
    one, two = songs["Song 1"]["id"], songs["Song 2"]["id"]
    assert bob.get("getPlayQueue")["playQueue"]["entry"] == []
    ada.get("savePlayQueue", id=[one, two, one], current=two, position=1234)
    queue = ada.get("getPlayQueue")["playQueue"]
    assert titles(queue["entry"]) == ["Song 1", "Song 2", "Song 1"]
    assert (queue["current"], queue["position"], queue["changedBy"], queue["username"]) == (two, 1234, "test", "Ada")
    ada.get("savePlayQueueByIndex", id=[one, two, one], currentIndex=2)
    assert ada.get("getPlayQueueByIndex")["playQueueByIndex"]["currentIndex"] == 2
    assert ada.get("getPlayQueue")["playQueue"]["current"] == one
    for method, wrong, code in (
        ("savePlayQueue", {"id": one}, 10), ("savePlayQueue", {"id": one, "current": two}, 0),
        ("savePlayQueue", {"id": "tr-999", "current": "tr-999"}, 70),
        ("savePlayQueue", {"id": one, "current": "x"}, 70),
        ("savePlayQueueByIndex", {"id": one}, 10), ("savePlayQueueByIndex", {"id": one, "currentIndex": 1}, 0),
        ("savePlayQueueByIndex", {"id": one, "currentIndex": -1}, 0),
    ):  # fmt: skip
        assert ada.error(method, **wrong) == code, (method, wrong)
    ada.get("savePlayQueue")
    empty = ada.get("getPlayQueueByIndex")["playQueueByIndex"]
    assert (empty["entry"], "currentIndex" in empty) == ([], False)


def test_bookmarks(ada: Client, bob: Client, songs: dict[str, Any]) -> None:
    song = songs["Song 4"]["id"]
    ada.get("createBookmark", id=song, position=5000, comment="here")
    ada.get("createBookmark", id=song, position=6000, comment="there")
    [bookmark] = ada.get("getBookmarks")["bookmarks"]["bookmark"]
    assert (bookmark["position"], bookmark["comment"], bookmark["entry"]["id"]) == (6000, "there", song)
    assert bob.get("getBookmarks")["bookmarks"]["bookmark"] == []
    for method, wrong, code in (("createBookmark", {"id": song}, 10), ("createBookmark", {"position": 1}, 10),
                                ("createBookmark", {"id": "tr-999", "position": 1}, 70), ("deleteBookmark", {}, 10),
                                ("createBookmark", {"id": song, "position": 1, "comment": "x" * 2000}, 0)):  # fmt: skip
        assert ada.error(method, **wrong) == code, (method, wrong)
    assert bob.error("deleteBookmark", id=song) == 70
    ada.get("deleteBookmark", id=song)
    assert ada.get("getBookmarks")["bookmarks"]["bookmark"] == []
