"""Browsing by folders."""

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from soniquebay.api.opensubsonic import folders
from soniquebay.api.opensubsonic.errors import SubsonicError
from soniquebay.api.opensubsonic.folders import Folder
from soniquebay.api.public import public_app
from soniquebay.api.server import make_services
from soniquebay.library.missing_tracks import mark_missing
from soniquebay.settings import from_environment
from tests.unit.api.opensubsonic.client import Client
from tests.unit.songs import file, insert


def names(found: list[Any]) -> list[str]:
    return [element.get("title") or element["name"] for element in found]


def directory(client: Client, number: str) -> Any:
    return client.get("getMusicDirectory", id=number)["directory"]


@pytest.mark.parametrize("path", ["", "a", "Ä/b c", "x\\xff", "a" * 4000])
def test_ids_of_folders(path: str) -> None:
    assert folders.parse(Folder(3, path).id) == Folder(3, path)


@pytest.mark.parametrize(
    "wrong", ["", "fo", "fo-", "fo-0", "fo-x", "fo-1-", "fo-1-!", "fo-1-_w", "fo-1-A", "al-1\n", "fo-1\n"]
)
def test_what_is_no_id_of_a_folder(ada: Client, wrong: str) -> None:
    with pytest.raises(SubsonicError):
        folders.parse(wrong)
    assert ada.error("getMusicDirectory", id=wrong) == (70 if wrong else 10)


def test_folders(ada: Client) -> None:
    assert ada.get("getMusicFolders")["musicFolders"]["musicFolder"] == [{"id": 1, "name": "r"}]
    indexes = ada.get("getIndexes")["indexes"]
    assert {i["name"]: names(i["artist"]) for i in indexes["index"]} == {"B": ["Bees"], "V": ["Various"], "Z": ["Zoe"]}
    assert sorted(names(indexes["child"])) == ["Alone", "Odd\x02name\x7f"] or len(indexes["child"]) == 2
    bees = directory(ada, indexes["index"][0]["artist"][0]["id"])
    assert (bees["name"], bees["parent"], names(bees["child"])) == ("Bees", "fo-1", ["Hive"])
    hive = directory(ada, bees["child"][0]["id"])
    assert (hive["parent"], names(hive["child"])) == (bees["id"], [f"Song {n}" for n in range(1, 6)])
    assert {song["parent"] for song in hive["child"]} == {hive["id"]}
    root = directory(ada, "fo-1")
    assert ("parent" in root, len(root["child"])) == (False, 5)
    for wrong in ("fo-2", Folder(1, "No").id, Folder(1, "..").id, Folder(1, "../etc").id, Folder(1, "/").id, "tr-1",
                  Folder(1, "Bees/").id, Folder(1, "%").id):  # fmt: skip
        assert ada.error("getMusicDirectory", id=wrong) == 70, wrong
    later = ada.get("getIndexes", ifModifiedSince=indexes["lastModified"])["indexes"]
    assert (later["index"], later["child"]) == ([], [])
    assert ada.get("getIndexes", ifModifiedSince=indexes["lastModified"] - 1)["indexes"]["index"]
    assert (ada.error("getIndexes", musicFolderId=2), ada.error("getIndexes", musicFolderId=-1)) == (70, 70)
    assert "/r/" not in ada.send("getIndexes").text + ada.send("getMusicDirectory", id=hive["id"]).text


def test_albums_and_artists_are_folders_too(ada: Client) -> None:
    album = ada.get("getAlbumList", type="alphabeticalByName")["albumList"]["album"][1]
    found = directory(ada, album["id"])
    assert (found["name"], found["parent"], len(found["child"])) == ("The Hive", album["parent"], 5)
    assert names(directory(ada, album["parent"])["child"]) == ["The Hive"]


def test_several_folders_of_music(tmp_path: Path) -> None:
    settings = {"DATA": str(tmp_path), "MUSIC": "/m/one:/m/two", "LOGIN": "off"}
    services = make_services(from_environment({f"SONIQUEBAY_{name}": value for name, value in settings.items()}))
    lying = (("one", "A"), ("one", "A b"), ("one", "A-b"), ("two", "B"), ("one", "A0"))
    insert(
        services.database,
        *(file(f"/m/{root}/{name}/a.flac", title=name, artist=name, album=f"Album {name}", duration=1.0 + n)
          for n, (root, name) in enumerate(lying)),
        file("/m/one/A/gone/b.flac", title="gone", artist="A"),
    )  # fmt: skip
    with services.database.transaction() as db:
        mark_missing(db, ["/m/one/A/gone/b.flac"])
    client = Client(TestClient(public_app(services), "http://localhost"), "x", "x")
    assert names(client.get("getMusicFolders")["musicFolders"]["musicFolder"]) == ["one", "two"]
    assert len(client.get("getIndexes")["indexes"]["index"]) == 2
    of_one = client.get("getIndexes", musicFolderId=1)["indexes"]["index"]
    assert {n for group in of_one for n in names(group["artist"])} == {"A", "A b", "A-b", "A0"}
    assert names(directory(client, Folder(1, "A").id)["child"]) == ["A"]
    for method, result, kind in (("getAlbumList2", "albumList2", "album"), ("getRandomSongs", "randomSongs", "song")):
        given = {"type": "newest", "size": 100}
        assert names(client.get(method, musicFolderId=2, **given)[result][kind]) in (["B"], ["Album B"])
    assert names(client.get("search3", query="", musicFolderId=2)["searchResult3"]["artist"]) == ["B"]
    assert [a["name"] for i in client.get("getArtists", musicFolderId=2)["artists"]["index"] for a in i["artist"]] == [
        "B"
    ]
