"""Who made a track, and which tracks are one album: kinds of tags that real collections hold."""

from typing import Any

import pytest

from soniquebay.audio.reading.names import CANONICAL
from soniquebay.library import queries, search
from soniquebay.library.browsing import details
from soniquebay.library.catalogue import rebuild
from soniquebay.library.catalogue.interpret import Interpreter, interpret
from soniquebay.library.catalogue.names import normalised_name
from soniquebay.library.database import Database
from soniquebay.library.missing_tracks import mark_missing
from tests.support import library_lists
from tests.unit.songs import ID_A, ID_B, file, insert, names

ID_C = "cccccccc-0000-4000-8000-000000000003"


def artists_of(db: Database, path: str) -> list[str]:
    rows = db.reader().execute(
        "SELECT a.name FROM tracks t JOIN track_artists c ON c.track_id = t.id JOIN artists a ON a.id = c.artist_id "
        "WHERE t.path = ? AND c.role = 'artist' ORDER BY c.position",
        (path,),
    )
    return [row[0] for row in rows]


def albums(db: Database) -> list[tuple[str, str, int]]:
    """Return title, artist and number of tracks of each album, sorted."""
    return sorted((b["title"], b["artist"], b["tracks"]) for b in library_lists.albums(db.reader(), 500, 0, None).items)


def pages(db: Database) -> set[str]:
    return {artist["name"] for artist in library_lists.artists(db.reader(), 500, 0).items}


@pytest.mark.parametrize("first", ["duo", "solo"])
def test_each_of_several_ids_is_the_artist_of_its_own_name(db: Database, first: str) -> None:
    duo = file("/duo", artist="Ada North & Bo South", mb_artist=[ID_A, ID_B])
    solo = file("/solo", artist="Ada North", mb_artist=ID_A)
    for song in (duo, solo) if first == "duo" else (solo, duo):
        insert(db, song)
    assert pages(db) == {"Ada North", "Bo South"}
    assert (artists_of(db, "/duo"), artists_of(db, "/solo")) == (["Ada North", "Bo South"], ["Ada North"])
    assert {t["artist"] for t in library_lists.tracks(db.reader(), 9, 0).items} == {"Ada North & Bo South", "Ada North"}


def test_ids_that_fit_no_split_are_nobodys(db: Database) -> None:
    insert(db, file("/1", artist="A & B", mb_artist=[ID_A, ID_B, ID_C]))
    assert artists_of(db, "/1") == ["A & B"]
    assert names(db, "artists", "mbid") == [None]


def test_an_id_beside_a_joined_name_is_that_of_the_first_artist_if_other_files_say_so(db: Database) -> None:
    insert(db, file("/1", artist="Ada & Bo", mb_artist=ID_A))
    assert artists_of(db, "/1") == ["Ada & Bo"]
    insert(db, file("/2", artist="Ada", mb_artist=ID_A))
    assert artists_of(db, "/1") == ["Ada", "Bo"]


@pytest.mark.parametrize(
    ("tags", "credit", "artists"),
    [
        ({"artist": ["Quill First", "Zweiter Gast"]}, "Quill First, Zweiter Gast", ["Quill First", "Zweiter Gast"]),
        ({"artist": "A with B", "artists": ["A", "B"]}, "A with B", ["A", "B"]),
        ({"artist": ["A & B", "A", "B"]}, "A & B", ["A", "B"]),
        ({"artist": "A feat. B & C"}, "A feat. B & C", ["A", "B & C"]),
        ({"artist": "A (featuring B)"}, "A (featuring B)", ["A", "B"]),
        ({"artist": "A with B"}, "A with B", ["A", "B"]),
        ({"artist": "AC/DC"}, "AC/DC", ["AC/DC"]),
        ({"artist": "Earth, Wind & Fire"}, "Earth, Wind & Fire", ["Earth, Wind & Fire"]),
        ({"artist": "10,000 Maniacs"}, "10,000 Maniacs", ["10,000 Maniacs"]),
        ({"artist": "Simon & Garfunkel"}, "Simon & Garfunkel", ["Simon & Garfunkel"]),
        ({"artist": "Sleeping with Sirens", "album_artist": "Sleeping with Sirens", "album": "X"},
         "Sleeping with Sirens", ["Sleeping with Sirens"]),
    ],
)  # fmt: skip
def test_a_credit_is_shown_as_written_and_split_only_where_that_is_sure(
    db: Database, tags: dict[str, Any], credit: str, artists: list[str]
) -> None:
    insert(db, file("/1", **tags))
    track = queries.track(db.reader(), 1)
    assert track is not None
    assert track["artist"] == credit
    assert artists_of(db, "/1") == artists


@pytest.mark.parametrize(
    ("known", "credit", "artists"),
    [
        (["Ada", "Bo"], "Ada & Bo", ["Ada", "Bo"]),
        (["Ada", "Bo", "Cy"], "Ada, Bo & Cy", ["Ada", "Bo", "Cy"]),
        (["Ada", "Bo"], "Ada; Bo", ["Ada", "Bo"]),
        (["Ada", "Bo"], "Ada / Bo", ["Ada", "Bo"]),
        (["Ada"], "Ada & Unknown Guest", ["Ada", "Unknown Guest"]),
        (["Bob"], "Bob & The Wailing", ["Bob & The Wailing"]),
        (["Earth", "Wind", "Fire"], "Earth, Wind & Fire", ["Earth, Wind & Fire"]),
        (["AC", "DC"], "AC/DC", ["AC/DC"]),
        (["Crosby"], "Crosby, Stills & Sons", ["Crosby, Stills & Sons"]),
    ],
)
def test_a_known_artist_is_evidence_for_a_split(
    db: Database, known: list[str], credit: str, artists: list[str]
) -> None:
    insert(db, file("/joined", artist=credit))
    before = artists_of(db, "/joined")
    insert(db, *(file(f"/{name}", artist=name) for name in known))
    assert (before, artists_of(db, "/joined")) == ([credit], artists)
    assert set(artists) <= pages(db)
    with db.transaction() as connection:
        mark_missing(connection, [f"/{name}" for name in known])
    assert artists_of(db, "/joined") == [credit]


def test_a_setting_splits_credits_without_evidence_also_of_files_that_were_read_before(db: Database) -> None:
    insert(
        db, file("/1", artist="Ada; Bo", composer="Cy/Dee"), file("/2", artist="AC/DC"), file("/3", artist="Ada & Bo")
    )
    assert artists_of(db, "/1") == ["Ada; Bo"]
    with db.transaction() as connection:
        rebuild.begin(connection, frozenset({";", "/"}))
        while rebuild.go_on(connection):
            pass
    insert(db, file("/4", artist="Eve; Fay"), artist_joins=frozenset({";", "/"}))
    assert [artists_of(db, f"/{n}") for n in (1, 2, 3, 4)] == [["Ada", "Bo"], ["AC/DC"], ["Ada", "Bo"], ["Eve", "Fay"]]
    assert {"Cy", "Dee"} <= pages(db)


def test_guests_have_pages_and_are_found(db: Database) -> None:
    insert(db, file("/1", title="Song", artist="Ada feat. Bo South"))
    (page,) = [artist for artist in library_lists.artists(db.reader(), 9, 0).items if artist["name"] == "Bo South"]
    assert page["tracks"] == 1
    assert [t["title"] for t in library_lists.tracks(db.reader(), 9, 0, artist_id=page["id"]).items] == ["Song"]
    assert search.find(db.reader(), "south", 9, 0).ids == [1]


@pytest.mark.parametrize("pair", [("ババ", "パパ"), ("パパ", "ハハ"), ("Чай", "Чаи"), ("कमल", "कमली"), ("Ж", "З")])
def test_names_that_differ_in_their_language_are_two(pair: tuple[str, str]) -> None:
    assert normalised_name(pair[0]) != normalised_name(pair[1])


@pytest.mark.parametrize(
    "pair",
    [("Motörhead", "Mo\u0308torhead"), ("AC∕DC", "AC/DC"), ("Guns N’ Roses", "guns n' roses"), ("ＡＢＣ", "abc"),
     ("ｶﾞ", "ガ"), ("The Band", "Band, The"), ("Алёна", "Алена"), ("مُحَمَّد", "محمد"), ("Jay‐Z", "Jay-Z")],
)  # fmt: skip
def test_spellings_that_differ_in_typing_are_one(pair: tuple[str, str]) -> None:
    assert normalised_name(pair[0]) == normalised_name(pair[1])


def test_two_albums_of_one_title_and_artist_in_folders_of_their_own_are_two(db: Database) -> None:
    songs = [
        file(f"/Wheezer ({year})/{n}", title=f"{year} {n}", artist="Wheezer", album_artist="Wheezer", album="Wheezer",
             year=year, track=n)
        for year in (1994, 2001) for n in (1, 2, 3)
    ]  # fmt: skip
    insert(db, *songs[:2], *songs[4:])
    insert(db, *songs[2:4])
    assert albums(db) == [("Wheezer", "Wheezer", 3)] * 2
    assert sorted(b["year"] for b in library_lists.albums(db.reader(), 9, 0, None).items) == [1994, 2001]


def test_an_album_in_two_folders_and_in_two_formats_is_one(db: Database) -> None:
    common = {"artist": "A", "album": "X"}
    insert(db, *(file(f"/one/{n}", title=f"T{n}", track=n, **common) for n in (1, 2)))
    insert(db, *(file(f"/two/{n}", title=f"T{n}", track=n, **common) for n in (3, 4)))
    insert(db, *(file(f"/flac/{n}", title=f"t{n}", track=n, **common) for n in (1, 2, 3, 4)))
    assert albums(db) == [("X", "A", 8)]


def test_different_dates_within_a_folder_are_one_album_of_the_most_frequent_date(db: Database) -> None:
    dates = ("1994", "1994-05-02", "1994-05-02", "2001")
    insert(db, *(file(f"/x/{n}", artist="A", album="X", date=date, track=n) for n, date in enumerate(dates, 1)))
    assert albums(db) == [("X", "A", 4)]
    assert tuple(db.reader().execute("SELECT year, date FROM albums").fetchone()) == (1994, "1994-05-02")


def test_two_editions_are_two_albums(db: Database) -> None:
    for folder, barcode in (("a", "111"), ("b", "222")):
        insert(db, file(f"/{folder}/1", title="T", artist="A", album="X", track=1, barcode=barcode))
    assert albums(db) == [("X", "A", 1)] * 2


def test_an_album_of_which_one_track_has_a_guest_is_its_artists(db: Database) -> None:
    credits = ("Kween", "Kween", "Kween & David Bowler", "Kween")
    insert(db, *(file(f"/hot/{n}", artist=who, album="Hot Place", track=n) for n, who in enumerate(credits, 1)))
    assert albums(db) == [("Hot Place", "Kween", 4)]
    assert artists_of(db, "/hot/3") == ["Kween", "David Bowler"]
    (kween,) = [a for a in library_lists.artists(db.reader(), 9, 0).items if a["name"] == "Kween"]
    assert library_lists.albums(db.reader(), 9, 0, kween["id"]).total == 1


def test_a_compilation_stays_one_album_when_one_of_its_tracks_changes_or_is_added(db: Database) -> None:
    who = ("Anke", "Boris", "Carla", "Dmitri")
    insert(db, *(file(f"/hits/{n}", artist=a, album="Hits", track=n) for n, a in enumerate(who, 1)))
    assert albums(db) == [("Hits", "Various Artists", 4)]
    insert(db, file("/hits/2", artist="Boris", album="Hits", track=2, title="corrected"))
    insert(db, file("/hits/5", artist="Edith", album="Hits", track=5))
    assert albums(db) == [("Hits", "Various Artists", 5)]


def test_the_folders_of_discs_are_one_album_in_order(db: Database) -> None:
    songs = [file(f"/Box/CD{disc}/{n}", artist="A", album="Box", track=n) for disc in (1, 2) for n in (1, 2)]
    insert(db, *songs)
    assert albums(db) == [("Box", "A", 4)]
    order = [(t["disc_no"], t["track_no"]) for t in library_lists.tracks(db.reader(), 9, 0).items]
    assert order == [(1, 1), (1, 2), (2, 1), (2, 2)]


def test_tracks_without_a_disc_come_after_all_discs(db: Database) -> None:
    discs = {"/box/a": None, "/box/b": "2", "/box/c": "1"}
    insert(db, *(file(path, artist="A", album="Box", track=1, disc=disc) for path, disc in discs.items()))
    (album_id,) = db.reader().execute("SELECT id FROM albums").fetchone()
    album = details.full_album(db.reader(), album_id)
    assert album is not None
    assert [disc["disc_no"] for disc in album["discs"]] == [1, 2, None]


@pytest.mark.parametrize(
    ("title", "folder", "disc", "subtitle"),
    [("X (Disc 1)", "f", 1, None), ("X [CD 2: Live]", "f", 2, "Live"), ("X (CD 1 of 2)", "f", 1, None),
     ("X (Disc Two)", "f", 2, None), ("X", "CD3", 3, None), ("X", "Disc 2 - Demos", 2, "Demos"),
     ("X", "cd_04", 4, None),
     ("X", "X (Disc 5)", 5, None), ("X", "discography", None, None)],
)  # fmt: skip
def test_a_disc_is_told_by_title_or_folder(
    db: Database, title: str, folder: str, disc: int | None, subtitle: str | None
) -> None:
    insert(db, file(f"/m/{folder}/1", artist="A", album=title))
    row = db.reader().execute("SELECT disc_no, disc_subtitle FROM tracks").fetchone()
    assert (tuple(row), albums(db)[0][0]) == ((disc, subtitle), "X")


@pytest.mark.parametrize(
    ("written", "date"),
    [("2004-05-21", "2004-05-21"), ("2004-05", "2004-05"), ("2004", "2004"), ("20040521", "2004-05-21"),
     ("2004-05-21T07:00:00Z", "2004-05-21"), ("2004-00-00", "2004"), ("0000", None), ("2004/5/1", "2004-05-01"),
     ("21.05.2004", "2004-05-21"), ("5/21/2004", "2004-05-21"), ("May 2004", "2004"), ("2004-02-31", "2004-02"),
     ("0", None), ("(c) 1999", "1999")],
)  # fmt: skip
def test_dates_are_as_exact_as_they_are_written(db: Database, written: str, date: str | None) -> None:
    insert(db, file("/1", artist="A", album="X", date=written, original_date="1977-03"))
    row = db.reader().execute("SELECT date, original_date, year FROM tracks").fetchone()
    assert tuple(row) == (date, "1977-03", int(date[:4]) if date else 1977)


def test_the_year_is_that_of_the_release_else_of_the_original(db: Database) -> None:
    dates = ({"original_date": "1977"}, {"original_date": "1977", "release_date": "1999"}, {"date": "2004"})
    insert(db, *(file(f"/{n}", **given) for n, given in enumerate(dates)))
    assert names(db, "tracks", "year") == [1977, 1999, 2004]


def test_corrections_count_and_ids_stay(db: Database) -> None:
    old = {"artist": "beyonse", "album_artist": "beyonse", "album": "lemonad"}
    insert(db, *(file(f"/{n}", title=f"T{n}", track=n, year=2015, **old) for n in range(1, 6)))
    ids = db.reader().execute("SELECT id, album_id, artist_id FROM tracks ORDER BY id").fetchall()
    with db.transaction() as connection:
        connection.execute("UPDATE scan_sessions SET status = 'completed', started_at = started_at - 100")
        for table in ("artists", "albums"):
            connection.execute(f"UPDATE {table} SET added_at = added_at - 50")
    new = {"artist": "Beyoncé", "album_artist": "Beyoncé", "album": "Lemonade"}
    for n in range(1, 6):  # a batch each
        insert(db, file(f"/{n}", title=f"T{n}", track=n, year=2016, **new))
    assert [tuple(r) for r in db.reader().execute("SELECT id, album_id, artist_id FROM tracks ORDER BY id")] == [
        tuple(row) for row in ids
    ]
    assert (names(db, "artists"), albums(db)) == (["Beyoncé"], [("Lemonade", "Beyoncé", 5)])
    assert library_lists.albums(db.reader(), 9, 0, None).items[0]["year"] == 2016
    indexed = "SELECT count(*) FROM search_tracks WHERE search_tracks MATCH 'beyonse'"
    assert db.reader().execute(indexed).fetchone()[0] == 0


def test_a_name_beside_an_id_is_corrected_by_the_files(db: Database) -> None:
    ids = {"mb_artist": ID_A, "mb_album_artist": ID_A, "mb_album": ID_B}
    insert(db, file("/1", artist="Kanyo East", album_artist="Kanyo East", album="Graduate", **ids))
    insert(db, file("/1", artist="Kanye East", album_artist="Kanye East", album="Graduation", **ids))
    assert (names(db, "artists"), albums(db)) == (["Kanye East"], [("Graduation", "Kanye East", 1)])
    assert search.find(db.reader(), "kanye", 9, 0).ids == [1]


def test_what_is_taken_out_of_the_tags_is_gone(db: Database) -> None:
    insert(db, file("/1", artist="A", album="X", disc=2, year=1999, genres=("Rock",), composer="C"))
    insert(db, file("/1", artist="A", album="X"))
    track = queries.track(db.reader(), 1)
    assert track is not None
    assert (track["disc_no"], track["year"], track["genres"]) == (None, None, [])
    assert names(db, "artists") == ["A"]


def test_everybody_who_is_credited_has_a_role(db: Database) -> None:
    insert(db, file("/1", artist="A", composer=["C", "D"], conductor="E", performer="F (piano)", remixer="A"))
    rows = db.reader().execute(
        "SELECT c.role, a.name, c.detail FROM track_artists c JOIN artists a ON a.id = c.artist_id ORDER BY position"
    )
    assert [tuple(row) for row in rows] == [
        ("artist", "A", ""), ("composer", "C", ""), ("composer", "D", ""), ("conductor", "E", ""),
        ("remixer", "A", ""), ("performer", "F", "piano"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name", sorted({name for table in CANONICAL.values() for name, _ in table.values()} | {"path"})
)
def test_what_neighbours_have_in_common_is_interpreted_as_in_each_alone(name: str) -> None:
    first = {"title": "One", "artist": "A", "album": "X", "album_artist": "A", "track": "1"}
    value = "bbbbbbbb-0000-4000-8000-00000000000b" if name.startswith("mb_") else "12"
    # A sort name counts only beside the name itself.
    second = {**first, "title": "Two", "artists": "A", "album_artists": "A", "composer": "C", "composers": "C"}
    files = [
        (first, "/a/1"),
        (first, "/a/2"),
        (second, "/a/3"),
        ({**second, name: value}, "/a/4"),
        (first, f"/{name}/5"),
    ]
    interpreter = Interpreter()
    for tags, path in files:
        assert interpreter.interpret(tags, path) == interpret(tags, path)


def test_a_track_has_its_genres_in_the_order_of_its_tag(db: Database) -> None:
    insert(db, file("/1", title="1", genres=("Rock", "Folk", "Dub")))
    insert(db, file("/2", title="2", genres=("Dub", "Rock", "Folk")))
    assert {t["title"]: t["genres"] for t in library_lists.tracks(db.reader(), 9, 0).items} == {
        "1": ["Rock", "Folk", "Dub"],
        "2": ["Dub", "Rock", "Folk"],
    }
