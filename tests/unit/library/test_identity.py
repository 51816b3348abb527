"""Which names are one artist, and which tracks one album."""

import pytest

from soniquebay.library import queries, search
from soniquebay.library.catalogue.interpret import split_disc
from soniquebay.library.catalogue.names import normalised_name, split_guests
from soniquebay.library.database import Database
from tests.support import library_lists
from tests.unit.songs import ID_A, ID_B, file, insert, names


@pytest.mark.parametrize(
    ("spelling", "other_spelling"),
    [("The Beatles", "beatles"), ("Beyoncé", "BEYONCE"), ("Beatles, The", "The Beatles"),
     ("Guns N’ Roses", "Guns N' Roses"),
     ("A  B", "a b"), ("Ⅳ", "iv"), ("Cafe\u0301", "Café")],
)  # fmt: skip
def test_spellings_of_a_name_have_one_normalised_name(spelling: str, other_spelling: str) -> None:
    assert normalised_name(spelling) == normalised_name(other_spelling)


def test_normalised_names_are_not_empty_and_different_names_differ() -> None:
    assert normalised_name("The The") == "the"
    assert normalised_name("!!!") == "!!!"
    assert normalised_name("The") == "the"
    assert normalised_name("!!!") != normalised_name("???")


@pytest.mark.parametrize("name", ["A feat. B", "A ft. B", "A (featuring B)", "A [feat. B]"])
def test_guests_are_no_part_of_the_primary_artist(name: str) -> None:
    assert split_guests(name) == ["A", "B"]


def test_names_that_only_look_like_guests_are_kept() -> None:
    assert split_guests("Left Feather") == ["Left Feather"]
    assert split_guests("feat. X") == ["feat. X"]


def test_an_artist_with_and_without_mbid_is_one(db: Database) -> None:
    insert(db, file("/1", artist="Sigur Ros"))
    insert(db, file("/2", artist="Sigur Rós", mb_artist=ID_A))
    insert(db, file("/3", artist="SIGUR ROS"))
    assert names(db, "artists") == ["Sigur Rós"]  # of equally frequent spellings the accented one
    assert names(db, "artists", "mbid") == [ID_A]


def test_two_names_that_get_one_id_at_once_are_one_artist(db: Database) -> None:
    insert(db, file("/1", artist="Old Name"))
    insert(db, file("/2", artist="New Name", mb_artist=ID_A), file("/3", artist="Old Name", mb_artist=ID_A))
    assert names(db, "artists", "mbid") == [ID_A]
    assert len({t["artist_id"] for t in library_lists.tracks(db.reader(), 10, 0).items}) == 1


def test_artists_of_one_name_with_different_mbids_stay_two(db: Database) -> None:
    insert(db, file("/1", artist="Nirvana", mb_artist=ID_A), file("/2", artist="Nirvana", mb_artist=ID_B))
    assert names(db, "artists", "mbid") == [ID_A, ID_B]


def test_guests_are_credited_on_a_track_of_the_primary_artist(db: Database) -> None:
    insert(db, file("/1", artist="A"), file("/2", title="Duet", artist="A feat. B", mb_artist=ID_A))
    assert names(db, "artists") == ["A", "B"]
    assert [t["artist"] for t in library_lists.tracks(db.reader(), 10, 0).items] == ["A", "A feat. B"]
    assert search.find(db.reader(), "duet b", 10, 0).ids == [2]


def test_an_untagged_compilation_is_one_album(db: Database) -> None:
    songs = [file(f"/mix/{i}", artist=f"Artist {i}", album="Mix", track_no=i) for i in (1, 2, 3)]
    insert(db, *songs)
    (album,) = library_lists.albums(db.reader(), 10, 0, None).items
    assert (album["artist"], album["tracks"]) == ("Various Artists", 3)


def test_two_albums_of_one_title_in_one_folder_stay_two(db: Database) -> None:
    songs = [file(f"/all/{a}{i}", artist=a, album="Greatest Hits", track_no=i) for a in "AB" for i in (1, 2)]
    insert(db, *songs)
    assert [a["artist"] for a in library_lists.albums(db.reader(), 10, 0, None).items] == ["A", "B"]


@pytest.mark.parametrize("titles", [("X (Disc 1)", "X (Disc 2)"), ("X [CD 1]", "X [CD2]"), ("X, Disk 1", "X - disc 2")])
def test_the_discs_of_an_album_are_one_album(db: Database, titles: tuple[str, str]) -> None:
    insert(db, *(file(f"/{title}", artist="A", album=title) for title in titles))
    assert names(db, "albums", "title") == ["X"]
    assert [t["disc_no"] for t in library_lists.tracks(db.reader(), 10, 0).items] == [1, 2]


def test_titles_that_only_look_like_a_disc_number_are_kept() -> None:
    assert split_disc("Disc 1") == ("Disc 1", None, "")
    assert split_disc("The Disco 3") == ("The Disco 3", None, "")


def test_tracks_of_an_album_share_it_whatever_their_guests(db: Database) -> None:
    insert(db, file("/1", artist="A", album="X"))
    insert(db, file("/2", artist="A feat. B", album="x"), file("/3", artist="A", album="X", mb_album=ID_A))
    assert names(db, "albums", "title") == ["X"]
    assert library_lists.tracks(db.reader(), 10, 0, album_id=1, artist_id=None).total == 3


def test_a_tagged_compilation_is_one_album_of_various_artists(db: Database) -> None:
    insert(
        db,
        file("/1", artist="A", album="Hits", compilation=True),
        file("/2", artist="B", album="Hits", compilation=True),
    )
    (album,) = library_lists.albums(db.reader(), 10, 0, None).items
    assert (album["artist"], album["tracks"]) == ("Various Artists", 2)


def test_releases_with_different_mbids_stay_two_albums(db: Database) -> None:
    insert(db, file("/1", artist="A", album="X", mb_album=ID_A), file("/2", artist="A", album="X", mb_album=ID_B))
    assert names(db, "albums", "mbid") == [ID_A, ID_B]


def test_two_files_of_one_recording_are_two_tracks(db: Database) -> None:
    insert(db, file("/1", artist="A", mb_recording=ID_A), file("/2", artist="A", mb_recording=ID_A))
    assert queries.totals(db.reader())["tracks"] == 2
