"""What a listener expects of the first scan of a collection as people have them."""

from pathlib import Path

import pytest

from tests.pipeline.real_collections.conftest import Collection
from tests.pipeline.real_collections.files import BLUE, FORMATS, INGA, OF_DISCOGS, OLE, RED, SPELLINGS, VERA, WILL


@pytest.mark.parametrize(
    ("first", "second", "ids"),
    [("Inga Berg", "Ole Dahl", (INGA, OLE)), ("Vera Moss", "Will Thorn", (VERA, WILL))],
    ids=["duo read first", "solo read first"],
)
def test_a_duos_file_with_both_ids_credits_both(
    collection: Collection, first: str, second: str, ids: tuple[str, str]
) -> None:
    assert collection.tracks[f"{first} duo"]["artist"] == f"{first} & {second}"
    assert collection.credited(f"{first} duo") == [first, second]
    assert collection.tracks[f"{first} solo"]["artist"] == first
    assert collection.credited(f"{first} solo") == [first]
    assert collection.album(f"{first}s Lieder")["artist"] == first
    listed = {a["name"]: a["mbid"] for a in collection.stack.get("/api/artists", limit=500)["items"]}
    assert (listed[first], listed[second]) == ids
    assert f"{first} & {second}" not in listed
    assert collection.found(second) == [second]


def test_an_artist_of_a_duo_is_the_artist_of_solo_tracks(collection: Collection) -> None:
    [artist] = [a for a in collection.stack.get("/api/artists", limit=500)["items"] if a["name"] == "Ole Dahl"]
    assert artist["tracks"] == 2


@pytest.mark.parametrize("suffix", [".mp3", ".flac", ".m4a"])
def test_two_values_of_artist_are_two_artists(collection: Collection, suffix: str) -> None:
    assert collection.credited(f"Two names {suffix}") == ["Hauptfigur", "Nebenfigur"]
    assert "Nebenfigur" in collection.tracks[f"Two names {suffix}"]["artist"]
    assert f"Two names {suffix}" in collection.found("Nebenfigur", "track")


def test_two_album_artists_both_have_the_album(collection: Collection) -> None:
    for name in ("Hauptfigur", "Nebenfigur"):
        [artist] = [a for a in collection.stack.get("/api/artists", limit=500)["items"] if a["name"] == name]
        own = collection.stack.get(f"/api/artists/{artist['id']}")["own_albums"]
        assert [album["title"] for album in own] == ["Of both"]


def test_a_folder_of_an_artist_a_track_is_one_compilation(collection: Collection) -> None:
    album = collection.album("Untagged mix")
    assert (album["artist"], album["tracks"]) == ("Various Artists", 3)


def test_two_self_titled_albums_are_two_with_covers_of_their_own(collection: Collection) -> None:
    albums = sorted(collection.albums_called("Selbst"), key=lambda album: album["year"])
    assert [(a["year"], a["tracks"], collection.colour("album", a["id"])) for a in albums] == [
        (1987, 2, RED), (2009, 2, BLUE)
    ]  # fmt: skip


def test_one_guest_leaves_the_album_to_its_artist(collection: Collection) -> None:
    assert (collection.album("Court")["artist"], collection.album("Court")["tracks"]) == ("Regent", 3)
    assert (collection.album("Hall")["artist"], collection.album("Hall")["tracks"]) == ("Fürst", 3)
    assert collection.credited("Court 2") == ["Regent", "Gaststar"]
    assert collection.credited("Hall 2") == ["Fürst", "Page"]
    assert collection.credited("Hall 3") == ["Fürst", "Zofe"]
    [artist] = [a for a in collection.stack.get("/api/artists", limit=500)["items"] if a["name"] == "Regent"]
    of_artist = collection.stack.get("/api/albums", artist_id=artist["id"])["items"]
    assert [album["title"] for album in of_artist] == ["Court"]


@pytest.mark.parametrize(("title", "tracks"), [("Big box", "Box"), ("Plain box", "Plain")])
def test_the_discs_of_a_box_are_one_album_in_order(collection: Collection, title: str, tracks: str) -> None:
    discs = collection.album(title)["discs"]
    assert [(disc["disc_no"], [track["title"] for track in disc["tracks"]]) for disc in discs] == [
        (disc, [f"{tracks} {disc}-{number}" for number in (1, 2)]) for disc in (1, 2)
    ]


@pytest.mark.parametrize(("title", "seconds"), [("Piped FLAC", 3), ("Piped WAV", 3), ("Fragments", 3), ("No Xing", 10)])
def test_a_length_that_the_header_does_not_tell_is_right(collection: Collection, title: str, seconds: int) -> None:
    assert collection.tracks[title]["duration"] == pytest.approx(seconds, abs=0.2)


def test_bins_snapshots_and_ignored_folders_are_no_music(collection: Collection) -> None:
    music = collection.stack.music / "no_music"
    below = [t for t in collection.tracks.values() if Path(t["path"]).is_relative_to(music)]
    assert [t["title"] for t in below] == ["Kept"]
    assert collection.album("Kept")["tracks"] == 1
    assert {told["reason"]: (told["files"], told["folders"]) for told in collection.summaries[0]["left_out"]} == {
        "AppleDouble: what macOS keeps beside a file": (1, 0),
        "format is not read: RealAudio": (1, 0),
        "ignored by .nomedia": (0, 1),
        "recycle bin": (0, 4),
        "snapshots and old versions": (0, 3),
        "system folder": (0, 2),
    }


def test_nothing_in_the_collection_is_a_failure(collection: Collection) -> None:
    assert collection.stack.failures(collection.summaries[0]["session_id"]) == {}


@pytest.mark.parametrize("name", SPELLINGS)
def test_a_name_is_found_by_the_spelling_that_people_type(collection: Collection, name: str) -> None:
    assert name in collection.found(SPELLINGS[name])


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_is_listed_with_its_tags(collection: Collection, suffix: str) -> None:
    track = collection.tracks[f"Format {suffix}"]
    assert (track["artist"], track["album"]) == ("Formatter", "Formats")
    assert track["duration"] == pytest.approx(0.5 if suffix in {".dsf", ".dff"} else 1.0, abs=0.05)


def test_genres_that_discogs_and_itunes_name_stay_whole(collection: Collection) -> None:
    shown = [collection.tracks[f"Of genre {number}"]["genres"] for number in range(len(OF_DISCOGS))]
    assert shown[:-1] == [[genre] for genre in OF_DISCOGS[:-1]]
    assert sorted(collection.tracks["Of two genres"]["genres"]) == ["Breakbeat", "Drum & Bass"]


def test_spellings_of_a_genre_are_one_and_numbers_are_names(collection: Collection) -> None:
    first = len(OF_DISCOGS)
    shown = [collection.tracks[f"Of genre {first + number}"]["genres"] for number in range(4)]
    assert shown == [["Trip-Hop"], ["Trip-Hop"], ["Trip-Hop"], ["Rock"]]


@pytest.mark.parametrize(
    ("title", "artist"),
    [("Behind the sound", "Monkey"), ("Last 128 bytes", "Artist"), ("Before ADTS", "Adts Artist"),
     ("Riff title", "Riff")],
    ids=["APEv2 on MP3", "ID3v1 alone", "ID3 before ADTS", "RIFF INFO"],
)  # fmt: skip
def test_tags_in_unusual_places_are_read(collection: Collection, title: str, artist: str) -> None:
    assert collection.tracks[title]["artist"] == artist


def test_the_album_artist_of_foobar_holds_an_album_together(collection: Collection) -> None:
    assert (collection.album("Free text")["artist"], collection.album("Free text")["tracks"]) == ("Owner in TXXX", 2)


@pytest.mark.parametrize(
    "title", ["Gatefold", "PNG as JPEG", "Upper case", "Wide", "Large PNG", "Windows", "Named", "WebP", "AVIF",
              "Broken first"],
)  # fmt: skip
def test_the_cover_of_an_album_is_shown(collection: Collection, title: str) -> None:
    assert collection.colour("album", collection.album(title)["id"]) == RED


def test_a_disc_has_its_own_picture_or_that_of_the_album(collection: Collection) -> None:
    album_id = collection.album("Gatefold")["id"]
    assert [collection.colour("album", album_id, disc=disc) for disc in (1, 2)] == [RED, BLUE]


@pytest.mark.parametrize(
    ("title", "colour"), [("Without album", RED), ("Single in red", RED), ("Single in blue", BLUE)]
)
def test_a_track_has_its_own_picture(collection: Collection, title: str, colour: tuple[int, int, int]) -> None:
    assert collection.colour("track", collection.tracks[title]["id"]) == colour


def test_an_image_with_a_cue_sheet_is_its_tracks(collection: Collection) -> None:
    discs = collection.album("Cut")["discs"]
    assert [(t["title"], t["track_no"], t["duration"]) for disc in discs for t in disc["tracks"]] == [
        ("First cut", 1, 1.0), ("Second cut", 2, 2.0)
    ]  # fmt: skip
    assert "Whole image" not in collection.tracks
