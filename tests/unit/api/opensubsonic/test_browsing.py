"""Browsing by tags, lists and searching."""

from typing import Any

import pytest

from soniquebay.api.opensubsonic import browsing, ids
from soniquebay.api.opensubsonic.errors import SubsonicError
from soniquebay.api.services import Services
from soniquebay.audio.feature_schema import FEATURE_VERSION
from soniquebay.library import covers
from soniquebay.library.missing_tracks import mark_missing
from soniquebay.library.similarity import vectors
from tests.unit.api.opensubsonic.client import NAMESPACE, Client
from tests.unit.songs import ID_A

DIGEST = "0f34a2c1" * 8


def names(found: list[Any]) -> list[str]:
    return [element.get("name") or element["title"] for element in found]


@pytest.fixture
def album(ada: Client) -> dict[str, Any]:
    return next(a for a in albums(ada, "newest") if a["name"] == "The Hive")


def albums(client: Client, kind: str, **parameters: Any) -> list[Any]:
    return list(client.get("getAlbumList2", type=kind, **{"size": 500, **parameters})["albumList2"]["album"])


def test_ids() -> None:
    assert ids.parse(ids.of("track", 12)) == ("track", 12)
    assert ids.parse_cover(ids.of_cover(("artist", 7, DIGEST)) or "") == ("artist", 7)
    assert ids.parse_cover("al-3") == ("album", 3)
    assert ids.of_cover(None) is None
    for wrong in ("", "1", "tr", "tr-", "tr-0", "tr-01", "tr--1", "tr-1 ", "TR-1", "xx-1", "tr-1\n", "tr-" + "9" * 30,
                  "tr-٣", "tr-1-0f34a2c1", "pl-1", "fo-x", "\ud800"):  # fmt: skip
        with pytest.raises(SubsonicError) as refused:
            ids.parse(wrong)
        assert refused.value.code == 70
    for wrong in ("al-3-", "al-3-0f34a2c", "al-3-0F34A2C1", "al-3-0f34a2c1-", "fo-x"):
        with pytest.raises(SubsonicError):
            ids.parse_cover(wrong)


def test_a_wrong_id_is_never_found(ada: Client) -> None:
    for method, right in (("getSong", "tr"), ("getAlbum", "al"), ("getArtist", "ar")):
        for wrong in ("x", "1", "-1", f"{right}-999", f"{right}-" + "9" * 17, f"{right}-1'", "../../etc/passwd", "%00",
                      *(f"{prefix}-1" for prefix in ("tr", "al", "ar", "pl") if prefix != right)):  # fmt: skip
            assert ada.error(method, id=wrong) == 70, (method, wrong)
        assert ada.error(method) == 10


def test_artists(ada: Client) -> None:
    found = ada.get("getArtists")["artists"]
    assert {i["name"]: names(i["artist"]) for i in found["index"]} == {
        "B": ["The Bees"], "V": ["Various Artists"], "Z": ["Zoe"],
    }  # fmt: skip
    assert found["ignoredArticles"] == "The An A"
    bees = found["index"][0]["artist"][0]
    assert (bees["sortName"], bees["albumCount"], bees["roles"]) == ("Bees", 1, ["artist", "albumartist"])
    assert names(ada.get("getArtist", id=bees["id"])["artist"]["album"]) == ["The Hive"]
    abba = ada.get("search3", query="Abba")["searchResult3"]["artist"][0]
    assert (abba["albumCount"], names(ada.get("getArtist", id=abba["id"])["artist"]["album"])) == (0, ["Élan"])


@pytest.mark.parametrize(
    ("name", "letter"),
    [("The Bees", "B"), ("Élan", "E"), ("Ærø", "A"), ("Ødegaard", "O"), ("!!!", "#"), ("2Pac", "#"), ("Ягода", "Я"),
     ("(sic)", "S"), ("", "#"), ("A", "A"), ("中文", "中")],
)  # fmt: skip
def test_letters(name: str, letter: str) -> None:
    assert browsing.letter(name) == letter


def test_an_album(ada: Client, album: dict[str, Any]) -> None:
    full = ada.get("getAlbum", id=album["id"])["album"]
    assert {k: v for k, v in full.items() if k != "song"} == album
    assert names(full["song"]) == [f"Song {n}" for n in range(1, 6)]
    assert (album["songCount"], album["duration"], album["year"]) == (5, 318, 2001)
    assert album["releaseDate"] == {"year": 2001, "month": 2, "day": 3} and album["originalReleaseDate"] == {}
    assert (album["recordLabels"], album["releaseTypes"], album["moods"]) == ([{"name": "Wax"}], ["album"], ["calm"])
    assert (album["sortName"], album["genre"], album["genres"]) == (
        "Hive",
        "Rock",
        [{"name": "Rock"}, {"name": "Soul"}],
    )
    assert (album["isCompilation"], album["version"], album["playCount"]) == (False, "", 0)
    elan = next(a for a in albums(ada, "newest") if a["name"] == "Élan")
    assert elan["discTitles"] == [{"disc": n, "title": f"Part {n}"} for n in range(1, 4)]
    assert next(a for a in albums(ada, "newest") if a["name"] == "Mixed")["isCompilation"] is True


def test_a_song(services: Services, ada: Client, album: dict[str, Any]) -> None:
    song = ada.get("getAlbum", id=album["id"])["album"]["song"][0]
    assert ada.get("getSong", id=song["id"])["song"] == song
    for name, value in {
        "parent": album["id"], "albumId": album["id"], "artistId": album["artistId"], "track": 1, "discNumber": 1,
        "size": 1001, "duration": 62, "contentType": "audio/flac", "suffix": "flac", "path": "Bees/Hive/01.flac",
        "musicBrainzId": ID_A, "isrc": ["GBAYE0000001"], "comment": "well", "displayComposer": "Joan",
        "replayGain": {"trackGain": -6.5}, "moods": ["calm"], "works": [], "bpm": 0, "mediaType": "song",
    }.items():  # fmt: skip
        assert song[name] == value, name
    assert [(c["role"], c["artist"]["name"]) for c in song["contributors"]] == [("composer", "Joan")]
    assert "transcodedSuffix" not in song
    [tone] = ada.get("search3", query="Tone 1")["searchResult3"]["song"][:1]
    assert (names(tone["artists"]), tone["displayArtist"]) == (["Zoe", "Abba"], "Zoe feat. Abba")
    assert tone["title"] == "Tone 1 & <more>"
    odd = ada.xml("search3", query="Odd").find(f".//{NAMESPACE}song")
    assert odd is not None
    assert odd.attrib["path"] == "odd\\xff.flac"
    with services.database.transaction() as db:
        vectors.store(db, int(song["id"][3:]), FEATURE_VERSION, None, "silent")
        db.execute("UPDATE vectors SET bpm = 123.6")
    assert ada.get("getSong", id=song["id"])["song"]["bpm"] == 124


def test_covers_have_the_picture_in_their_ids(services: Services, ada: Client, album: dict[str, Any]) -> None:
    assert "coverArt" not in album
    number = int(album["id"][3:])
    with services.database.transaction() as db:
        covers.set_from_files(db, number, covers.Cover(DIGEST, "image/jpeg"), {})
    changed = ada.get("getAlbum", id=album["id"])["album"]
    assert changed["coverArt"] == changed["song"][0]["coverArt"] == f"{album['id']}-0f34a2c1"
    artist = ada.get("getArtist", id=album["artistId"])["artist"]
    assert artist["coverArt"] == f"{album['artistId']}-0f34a2c1"


def test_lists_of_albums(ada: Client) -> None:
    by_name = ["Élan", "The Hive", "Mixed"]
    assert names(albums(ada, "alphabeticalByName")) == by_name
    assert names(albums(ada, "alphabeticalByName", size=1, offset=1)) == by_name[1:2]
    assert names(albums(ada, "alphabeticalByArtist")) == ["The Hive", "Mixed", "Élan"]
    assert sorted(names(albums(ada, "random"))) == sorted(by_name)
    assert names(albums(ada, "byYear", fromYear=1990, toYear=2005)) == ["Élan", "The Hive"]
    assert names(albums(ada, "byYear", fromYear=2020, toYear=2000)) == ["Mixed", "The Hive"]
    assert names(albums(ada, "byGenre", genre="rock")) == ["The Hive", "Mixed"]
    assert albums(ada, "byGenre", genre="no such") == albums(ada, "newest", size=0) == []
    assert len(albums(ada, "newest", size=10**9, offset=0)) == 3
    folders = ada.get("getAlbumList", type="alphabeticalByName")["albumList"]["album"]
    assert [(f["title"], f["isDir"], f["parent"][:3]) for f in folders] == [(n, True, "ar-") for n in by_name]
    for kind in ("recent", "frequent", "highest", "starred"):
        assert albums(ada, kind) == []
    assert (ada.error("getAlbumList2"), ada.error("getAlbumList2", type="x")) == (10, 0)
    assert ada.error("getAlbumList2", type="byYear", fromYear=1) == 10
    assert ada.error("getAlbumList2", type="byYear", fromYear="x", toYear=1) == 0
    assert ada.error("getAlbumList2", type="newest", musicFolderId=2) == 70
    assert len(albums(ada, "newest", musicFolderId=1)) == 3


def test_lists_of_songs(ada: Client) -> None:
    assert len(ada.get("getRandomSongs", size=500)["randomSongs"]["song"]) == 13
    random = ada.get("getRandomSongs", genre="Jazz", fromYear=1990, toYear=1999)["randomSongs"]["song"]
    assert {song["genre"] for song in random} == {"Jazz"} and len(random) == 3
    assert len(ada.get("getRandomSongs")["randomSongs"]["song"]) == 10
    assert len(ada.get("getSongsByGenre", genre="Soul", count=3, offset=3)["songsByGenre"]["song"]) == 2
    assert ada.error("getSongsByGenre") == 10
    genres = {g["value"]: (g["songCount"], g["albumCount"]) for g in ada.get("getGenres")["genres"]["genre"]}
    assert genres == {"Jazz": (3, 1), "Rock": (8, 2), "Soul": (5, 1)}
    assert [g.text for g in ada.xml("getGenres").iter(f"{NAMESPACE}genre")] == ["Jazz", "Rock", "Soul"]


def test_searching(ada: Client) -> None:
    found = ada.get("search3", query="hive")["searchResult3"]
    assert (names(found["album"]), len(found["song"]), found["artist"]) == (["The Hive"], 5, [])
    folders = ada.get("search2", query="bees")["searchResult2"]
    assert (names(folders["artist"]), folders["album"][0]["isDir"]) == (["The Bees"], True)
    assert ada.get("search3", query='"hive"', songCount=0)["searchResult3"]["song"] == []
    assert names(ada.get("search", title="Alone")["searchResult"]["match"]) == ["Alone"]
    assert ada.error("search3") == 10
    assert ada.get("search3", query="x" * 5000)["searchResult3"]["song"] == []


@pytest.mark.parametrize("query", ["", '""', " ", '" "'])
def test_an_empty_question_finds_everything_page_by_page(services: Services, ada: Client, query: str) -> None:
    everything = {"artist": 10, "album": 3, "song": 13}
    for kind, number in everything.items():
        found: list[str] = []
        for offset in range(0, number + 2, 2):
            others = {f"{other}Count": 0 for other in everything if other != kind}
            page = {f"{kind}Count": 2, f"{kind}Offset": offset}
            found += [e["id"] for e in ada.get("search3", query=query, **others, **page)["searchResult3"][kind]]
        assert len(found) == len(set(found)) == number, kind


def test_what_is_missing_is_not_there(services: Services, ada: Client) -> None:
    alone = ada.get("search3", query="Alone")["searchResult3"]["song"][0]
    with services.database.transaction() as db:
        mark_missing(db, ["/r/alone.m4a"])
    assert ada.error("getSong", id=alone["id"]) == 70
    assert ada.error("getArtist", id=alone["artistId"]) == 70
    assert len(ada.get("search3", query="", songCount=500)["searchResult3"]["song"]) == 12
    with services.database.transaction() as db:
        db.execute("UPDATE tracks SET missing_since = NULL")
