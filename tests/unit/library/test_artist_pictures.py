"""Whose picture a folder has: by its name, or by the music in it, and when an artist is searched again."""

import pytest

from soniquebay.library import artist_pictures
from soniquebay.library.artist_pictures import Place, name_key
from soniquebay.library.covers import Cover
from soniquebay.library.database import Database
from soniquebay.library.folder_pictures import note_changes, update_stamps
from soniquebay.library.missing_tracks import mark_missing
from tests.unit.songs import file, insert

PICTURE = Cover("a" * 64, "image/png")
ROOTS = frozenset({"/m"})


def song(path: str, artist: str, album: str | None = None, **tags: object) -> object:
    return file(path, artist=artist, album=album, size=sum(path.encode()), title=path, **tags)


def artist_id(db: Database, name: str) -> int:
    return int(db.reader().execute("SELECT id FROM artists WHERE name = ?", (name,)).fetchone()[0])


def note_all(db: Database) -> None:
    with db.transaction() as connection:
        for (album_id,) in connection.execute("SELECT id FROM albums").fetchall():
            artist_pictures.note_album(connection, album_id)
        for (track_id,) in connection.execute("SELECT id FROM tracks WHERE album_id IS NULL").fetchall():
            artist_pictures.note_track(connection, track_id)


def add_pictures(db: Database, *folders: str, stamp: int | None = 1) -> None:
    with db.transaction() as connection:
        update_stamps(connection, dict.fromkeys(folders, stamp))


def places(db: Database, name: str) -> list[tuple[str, bool]] | None:
    """Return the folders that are searched for an artist; None if the artist is not searched."""
    search = artist_pictures.search_of(db.reader(), artist_id(db, name), ROOTS)
    return None if search is None else [(place.folder, place.is_artists) for place in search.places]


def find(db: Database, name: str, folder: str | None) -> None:
    search = artist_pictures.search_of(db.reader(), artist_id(db, name), ROOTS)
    assert search is not None
    assert folder is None or folder in {place.folder for place in search.places}
    with db.transaction() as connection:
        picture = PICTURE if folder else None
        artist_pictures.set_picture(connection, artist_id(db, name), search.changes, picture, folder)


def unsearched(db: Database) -> set[str]:
    rows = db.reader().execute("SELECT id, name FROM artists").fetchall()
    ids = set(artist_pictures.unsearched(db.reader(), 100))
    return {row["name"] for row in rows if row["id"] in ids}


def test_a_folder_is_the_artists_of_its_name(db: Database) -> None:
    insert(
        db, song("/m/Beatles, The/Help/1", "The Beatles", "Help"), song("/m/Motorhead/X/1", "Motörhead", "X"),
        song("/m/Rock/AC_DC/Box/CD1/1", "AC/DC", "Box"), song("/m/Motorhead/X/2", "Motörhead feat. Guest", "X"),
        song("/m/loose.mp3", "Loner"), song("/m/Help/1", "Somebody", "Other", composer="Bach"),
    )  # fmt: skip
    folders = {"The Beatles": "/m/Beatles, The/", "Motörhead": "/m/Motorhead/", "AC/DC": "/m/Rock/AC_DC/",
               "Guest": "/info/guest/", "Loner": "/info/Loner/", "Bach": "/m/Composers/BACH/"}  # fmt: skip
    add_pictures(db, *folders.values(), "/m/Help/", "/m/Rock/")
    note_all(db)
    for name, folder in folders.items():
        found = places(db, name)
        assert found is not None, name
        assert found[0] == (folder, True), name


def test_the_music_in_a_folder_of_the_name_is_of_the_artist(db: Database) -> None:
    insert(
        db, song("/m/a/Nirvana/Nevermind/1", "Nirvana", "Nevermind", mb_artist="11111111-0000-4000-8000-000000000000"),
        song("/m/b/Nirvana/Songs/1", "Nirvana", "Songs", mb_artist="22222222-0000-4000-8000-000000000000"),
        song("/m/Madonna/1", "Tribute Band", "Madonna"), song("/m/c/1", "Madonna", "Music"),
    )  # fmt: skip
    add_pictures(db, "/m/a/Nirvana/", "/m/b/Nirvana/", "/m/Madonna/")
    note_all(db)
    ids = [row["id"] for row in db.reader().execute("SELECT id FROM artists WHERE name = 'Nirvana' ORDER BY id")]
    found = [artist_pictures.search_of(db.reader(), i, ROOTS) for i in ids]
    assert [search and search.places for search in found] == [
        [Place("/m/a/Nirvana/", is_artists=True)], [Place("/m/b/Nirvana/", is_artists=True)]
    ]  # fmt: skip
    assert places(db, "Madonna") == []


def test_a_folder_of_nothing_but_albums_of_an_artist_is_the_artists(db: Database) -> None:
    insert(
        db, song("/m/Bowie, David/One/1", "David Bowie", "One"),
        song("/m/Bowie, David/Two/CD1/1", "David Bowie", "Two"),
        song("/m/Mixed/Three/1", "David Bowie", "Three"), song("/m/Mixed/Four/1", "Queen", "Four"),
        song("/m/Q/Five/1", "Queen", "Five"), song("/m/Six/1", "Queen", "Six"), song("/m/Seven/1", "Queen", "Seven"),
    )  # fmt: skip
    add_pictures(db, "/m/Bowie, David/", "/m/Bowie, David/Two/", "/m/Mixed/", "/m/Mixed/Four/", "/m/Q/", "/m/", "/")
    note_all(db)
    assert places(db, "David Bowie") == [("/m/Bowie, David/", True), ("/m/Bowie, David/Two/", False)]
    # Of an only album: a picture there has to say that it shows the artist.
    assert places(db, "Queen") == [("/m/Q/", False), ("/m/Mixed/Four/", False)]
    insert(db, song("/m/Bowie, David/loose", "Somebody"))
    note_all(db)
    assert places(db, "David Bowie") == [("/m/Bowie, David/Two/", False)]


def test_a_folder_of_music_is_nobodys_even_with_one_artist(db: Database) -> None:
    insert(db, song("/m/One/1", "Ann", "One"), song("/m/Two/1", "Ann", "Two"))
    add_pictures(db, "/m/", "/m/One/")
    note_all(db)
    assert places(db, "Ann") == [("/m/One/", False)]


def test_a_folder_of_various_artists_is_nobodys(db: Database) -> None:
    insert(db, *(song(f"/m/{folder}/Hits {n}/{i}", name, f"Hits {n}", compilation=True, track=i)
                 for n, folder in enumerate(("Various Artists", "Various Artists", "Samplers", "Samplers"))
                 for i, name in enumerate(("Ann", "Bob"))))  # fmt: skip
    add_pictures(db, "/m/Various Artists/", "/m/Samplers/", "/m/Samplers/Hits 2/", "/m/Various Artists/Hits 0/")
    note_all(db)
    assert (places(db, "Ann"), places(db, "Bob")) == (None, None)
    assert places(db, "Various Artists") == [("/m/Various Artists/", True)]


def test_an_album_of_two_artists_is_of_none_alone(db: Database) -> None:
    duo = {"album": "Duo", "album_artist": "Ann & Bob", "album_artists": ["Ann", "Bob"]}
    insert(db, file("/m/Duo/1/1", artist="Ann", **duo))
    add_pictures(db, "/m/Duo/", "/m/Duo/1/")
    note_all(db)
    assert (places(db, "Ann"), places(db, "Bob")) == (None, None)
    add_pictures(db, "/m/Bob/")
    assert places(db, "Bob") == [("/m/Bob/", True)]


def test_artists_are_searched_when_their_folders_change(db: Database) -> None:
    insert(
        db, song("/m/Ann/X/1", "Ann feat. Guest", "X"), song("/m/Ann/X/2", "Ann", "X"), song("/m/Bob/Y/1", "Bob", "Y")
    )  # fmt: skip
    note_all(db)
    assert unsearched(db) == {"Ann", "Bob"}
    for name in ("Ann", "Bob"):
        find(db, name, None)
    assert unsearched(db) == set()
    add_pictures(db, "/m/Ann/", "/info/Guest/")
    assert unsearched(db) == {"Ann", "Guest"}
    find(db, "Ann", "/m/Ann/")
    find(db, "Guest", "/info/Guest/")
    add_pictures(db, "/info/Guest/", stamp=2)
    assert unsearched(db) == {"Guest"}
    find(db, "Guest", "/info/Guest/")
    add_pictures(db, "/info/Guest/", stamp=None)
    assert places(db, "Guest") == []
    assert unsearched(db) == {"Guest"}


def test_a_change_during_a_search_is_not_lost(db: Database) -> None:
    insert(db, song("/m/Ann/X/1", "Ann", "X"))
    add_pictures(db, "/m/Ann/")
    search = artist_pictures.search_of(db.reader(), artist_id(db, "Ann"), ROOTS)
    assert search is not None
    add_pictures(db, "/m/Ann/", stamp=2)
    with db.transaction() as connection:
        artist_pictures.set_picture(connection, artist_id(db, "Ann"), search.changes, PICTURE, "/m/Ann/")
    assert unsearched(db) == {"Ann"}
    with db.transaction() as connection:
        artist_pictures.keep_picture(connection, artist_id(db, "Ann"))
    assert unsearched(db) == set()
    assert places(db, "Ann") is None


def test_a_picture_whose_folder_has_a_name_of_signs_is_noticed(db: Database) -> None:
    insert(db, song("/m/AC_DC/X/1", "AC/DC", "X"))
    add_pictures(db, "/m/AC_DC/")
    note_all(db)
    find(db, "AC/DC", "/m/AC_DC/")
    add_pictures(db, "/m/AC_DC/", stamp=None)
    assert unsearched(db) == {"AC/DC"}


def test_what_the_watch_sees_counts_at_once_where_music_or_pictures_are_known(db: Database) -> None:
    insert(db, song("/m/Ann/X/1", "Ann", "X"), song("/m/Ann/Y/1", "Ann", "Y"))
    with db.transaction() as connection:
        assert note_changes(connection, ["/m/Ann/X", "/m/Ann", "/m/new"]) == ["/m/Ann", "/m/new"]
    note_all(db)
    assert places(db, "Ann") == [("/m/Ann/X/", False)]
    add_pictures(db, "/m/Ann/")
    assert places(db, "Ann") == [("/m/Ann/", True), ("/m/Ann/X/", False)]
    find(db, "Ann", "/m/Ann/")
    with db.transaction() as connection:
        assert note_changes(connection, ["/m/Ann"]) == []
    assert unsearched(db) == {"Ann"}


def test_missing_music_is_in_no_folder(db: Database) -> None:
    insert(db, song("/m/A/X/1", "Ann", "X"), song("/m/A/Y/1", "Ann", "Y"), song("/m/A/Z/1", "Bob", "Z"))
    add_pictures(db, "/m/A/")
    note_all(db)
    assert places(db, "Ann") == []
    with db.transaction() as connection:
        mark_missing(connection, ["/m/A/Z/1"])
    assert places(db, "Ann") == [("/m/A/", True)]


@pytest.mark.parametrize(
    ("artist", "folder"),
    [("AC/DC", "AC_DC"), ("The Beatles", "Beatles, The"), ("Motörhead", "MOTORHEAD"), ("!!!", "!!!"), ("P!nk", "P!NK"),
     ("M/A/R/R/S", "M_A_R_R_S"), ("ガガ", "ガガ"), ("What?", "What"), ("R.E.M.", "R.E.M")],
)  # fmt: skip
def test_a_name_is_equal_to_that_of_its_folder(artist: str, folder: str) -> None:
    assert name_key(artist) == name_key(folder) != ""


@pytest.mark.parametrize(("one", "other"), [("!!!", "???"), ("ガガ", "カカ"), ("Ann", "Anne")])
def test_different_names_stay_different(one: str, other: str) -> None:
    assert name_key(one) != name_key(other)
