"""Which names are one artist, and which tracks one album."""

import pytest

from soniquebay.library import queries, search
from soniquebay.library.database import Database
from soniquebay.library.identity import normalised_name, primary_artist, split_disc
from tests.unit.songs import ID_A, ID_B, file, insert, names


@pytest.mark.parametrize(
    ("one", "other"),
    [("The Beatles", "beatles"), ("Beyoncé", "BEYONCE"), ("Beatles, The", "The Beatles"),
     ("Guns N’ Roses", "Guns N' Roses"),
     ("A  B", "a b"), ("Ⅳ", "iv"), ("Cafe\u0301", "Café")],
)  # fmt: skip
def test_spellings_of_one_name_share_a_key(one: str, other: str) -> None:
    assert normalised_name(one) == normalised_name(other)


def test_a_key_is_never_empty_and_names_stay_apart() -> None:
    assert normalised_name("The The") == "the"
    assert normalised_name("!!!") == "!!!"
    assert normalised_name("The") == "the"
    assert normalised_name("!!!") != normalised_name("???")


@pytest.mark.parametrize("name", ["A feat. B", "A ft. B", "A (featuring B)", "A [feat. B]"])
def test_an_album_belongs_to_the_host(name: str) -> None:
    assert primary_artist(name) == "A"


def test_names_that_only_look_like_guests_stay() -> None:
    assert primary_artist("Left Feather") == "Left Feather"
    assert primary_artist("feat. X") == "feat. X"


def test_an_artist_with_and_without_id_is_one(db: Database) -> None:
    insert(db, file("/1", artist="Sigur Ros"))
    insert(db, file("/2", artist="Sigur Rós", mb_artist=ID_A))
    insert(db, file("/3", artist="SIGUR ROS"))
    assert names(db, "artists") == ["Sigur Ros"]
    assert names(db, "artists", "mbid") == [ID_A]


def test_two_artists_of_one_name_and_two_ids_stay_two(db: Database) -> None:
    insert(db, file("/1", artist="Nirvana", mb_artist=ID_A), file("/2", artist="Nirvana", mb_artist=ID_B))
    assert names(db, "artists", "mbid") == [ID_A, ID_B]


def test_guests_are_credited_and_the_track_is_the_hosts(db: Database) -> None:
    insert(db, file("/1", artist="A"), file("/2", title="Duet", artist="A feat. B", mb_artist=ID_A))
    assert names(db, "artists") == ["A"]
    assert [t["artist"] for t in queries.tracks(db.reader(), 10, 0).items] == ["A", "A feat. B"]
    assert search.find(db.reader(), "duet b", 10, 0).ids == [2]


def test_a_compilation_nobody_tagged_as_one_is_still_one_album(db: Database) -> None:
    songs = [file(f"/mix/{i}", artist=f"Artist {i}", album="Mix", track_no=i) for i in (1, 2, 3)]
    insert(db, *songs)
    (album,) = queries.albums(db.reader(), 10, 0, None).items
    assert (album["artist"], album["tracks"]) == ("Various Artists", 3)


def test_two_albums_of_one_title_in_one_folder_stay_two(db: Database) -> None:
    songs = [file(f"/all/{a}{i}", artist=a, album="Greatest SearchHits", track_no=i) for a in "AB" for i in (1, 2)]
    insert(db, *songs)
    assert [a["artist"] for a in queries.albums(db.reader(), 10, 0, None).items] == ["A", "B"]


@pytest.mark.parametrize("titles", [("X (Disc 1)", "X (Disc 2)"), ("X [CD 1]", "X [CD2]"), ("X, Disk 1", "X - disc 2")])
def test_the_discs_of_an_album_are_one_album(db: Database, titles: tuple[str, str]) -> None:
    insert(db, *(file(f"/{title}", artist="A", album=title) for title in titles))
    assert names(db, "albums", "title") == ["X"]
    assert [t["disc_no"] for t in queries.tracks(db.reader(), 10, 0).items] == [1, 2]


def test_a_title_that_only_ends_like_a_disc_stays() -> None:
    assert split_disc("Disc 1") == ("Disc 1", None)
    assert split_disc("The Disco 3") == ("The Disco 3", None)


def test_tracks_of_one_album_meet_in_it_whatever_the_guests(db: Database) -> None:
    insert(db, file("/1", artist="A", album="X"))
    insert(db, file("/2", artist="A feat. B", album="x"), file("/3", artist="A", album="X", mb_album=ID_A))
    assert names(db, "albums", "title") == ["X"]
    assert queries.tracks(db.reader(), 10, 0, album_id=1, artist_id=None).total == 3


def test_a_compilation_is_one_album_of_various_artists(db: Database) -> None:
    insert(
        db,
        file("/1", artist="A", album="SearchHits", compilation=True),
        file("/2", artist="B", album="SearchHits", compilation=True),
    )
    (album,) = queries.albums(db.reader(), 10, 0, None).items
    assert (album["artist"], album["tracks"]) == ("Various Artists", 2)


def test_two_releases_with_ids_stay_two(db: Database) -> None:
    insert(db, file("/1", artist="A", album="X", mb_album=ID_A), file("/2", artist="A", album="X", mb_album=ID_B))
    assert names(db, "albums", "mbid") == [ID_A, ID_B]


def test_one_recording_in_two_files_is_two_tracks(db: Database) -> None:
    insert(db, file("/1", artist="A", mb_recording=ID_A), file("/2", artist="A", mb_recording=ID_A))
    assert queries.totals(db.reader())["tracks"] == 2
