"""Finding: by any spelling, the best first, and with typing errors where little else is found."""

import sqlite3
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest

from soniquebay.library import queries as library_queries
from soniquebay.library import search
from soniquebay.library.database import Database
from soniquebay.library.missing_tracks import delete_tracks, mark_missing, mark_returned
from soniquebay.library.search import finding, index
from soniquebay.library.search.finding import Kind
from tests.unit.songs import file, insert

Find = Callable[[str], list[str]]


@pytest.fixture
def find(db: Database) -> Find:
    """Return the titles of the tracks that a text finds, best first."""

    def titles(query: str) -> list[str]:
        ids = search.find(db.reader(), query, 100, 0).ids
        by_id = {row["id"]: row["title"] for row in db.reader().execute("SELECT id, title FROM tracks")}
        return [by_id[i] for i in ids]

    return titles


def insert_titles(db: Database, *titles: str) -> None:
    insert(db, *(file(f"/{i}.x", title=title) for i, title in enumerate(titles)))


SPELLINGS = [
    ("Røyken", "røyken;royken;ROYKEN;roy;ryken"),
    ("Łódka", "lodka;łódka;LODK"),
    ("Straße nach Osten", "strasse;STRASSE nach;straße ost"),
    ("Bjørnfjäll", "bjornfjall;björnfjäll;bjørn"),
    ("P!nko", "pinko;p nko;p!nko;p!nk;pnko"),
    ("R.E.Q.", "REQ;r.e.q;r.e.q.;r e q"),
    ("R. E. Q.", "REQ;r.e.q"),
    ("Q$AP Rocko", "qap;q$ap;rocko q$ap;qsap rocko;q ap"),
    ("AC∕DC", "acdc;ac dc;AC/DC;AC∕DC;ac-dc"),
    ("ABDC", "ab dc;ab/dc;abdc"),
    ("Xyzzy ABDC Tour", "ab dc xyzzy;xyzzy ab dc;tour ab dc"),
    ("Guns N’ Rosettes", "guns n rosettes;guns n' rosettes;guns n’ ros"),
    ("Don’t Panick", "dont panick;don't panick;don’t pan;Don t Panick;DON´T PANICK"),
    ("İstanbulu", "istanbulu;İSTANBULU;ıstanbulu"),
    ("Cafe\u0301 Tacvbe", "cafe tacvbe;café;CAFE\u0301"),
    ("Möturhed", "Mo\u0308turhed;moturhed;möt;moeturhed"),
    ("!!!", "!!!;!!;!"),
    ("÷", "÷"),
    ("+-=÷×", "÷;=;+-=÷×;×"),
    ("†††", "†;†††"),
    ("❤️\u200d🔥", "❤;🔥;❤️\u200d🔥"),
    ("Me ❤ You", "❤;me you;me ❤"),
    ("Simon & Garfunkle", "simon and garfunkle;simon & garfunkle;simon garf"),
    ("東京事変", "東京事変;東京;京事;事変;変;東;東京 事変;東京・事変"),
    ("椎名 林檎", "椎名林檎;名林;林檎;椎名 林檎"),
    ("EP曲2", "ep曲2;EP;曲;曲2;p曲;ｅｐ曲２"),
    ("ﾊﾟﾊﾟﾊ", "パパハ;ぱぱ;パハ"),
    ("사랑해요", "사랑;랑해;해요;사랑해요"),
    ("สวัสดีครับ", "สวัสดี;วัสดี;ครับ;ดีคร"),
    ("ສະບາຍດີ", "ສະບາຍ;ບາຍດີ"),
    ("ជំរាបសួរ", "ជំរាប;សួរ"),
    ("हिन्दी गीत", "हिन्दी;हिन्द;गीत हिन्दी"),
    ("سَلام", "سلام;سلا"),
    ("שָׁלוֹם", "שלום;שלו"),
    ("می\u200cخواهم", "میخواهم;می خواهم;مي\u200cخواهم"),
    ("Ελλάδα", "ελλαδα;ΕΛΛΆΔΑ;ελλ"),
    ("Ёлка", "елка;ёлка;ЕЛК"),
]  # fmt: skip


@pytest.fixture(scope="module")
def spelt(tmp_path_factory: pytest.TempPathFactory) -> Database:
    """A library with a track of each name."""
    database = Database(tmp_path_factory.mktemp("spelt") / "library.db")
    database.migrate()
    insert_titles(database, *(name for name, _ in SPELLINGS), "Other", "Something else", "夜", "?", "Чай")
    return database


@pytest.mark.parametrize(("name", "queries"), SPELLINGS)
def test_a_name_is_found_by_what_people_type(spelt: Database, name: str, queries: str) -> None:
    for query in queries.split(";"):
        for form in ("NFC", "NFD"):
            ids = search.find(spelt.reader(), unicodedata.normalize(form, query), 2, 0).ids
            titles = [library_queries.track(spelt.reader(), i)["title"] for i in ids]  # type: ignore[index]
            assert name in titles, query


@pytest.mark.parametrize(
    ("names", "query"),
    [(("Чай", "Чаи"), "чаи"), (("Чаи", "Чай"), "чай"), (("パパ", "ババ", "ハハ"), "ハハ"), (("がき", "かき"), "かき")],
)
def test_another_letter_is_another_word(db: Database, find: Find, names: tuple[str, ...], query: str) -> None:
    insert_titles(db, *names)
    assert find(query)[0] == names[-1]
    assert all(letter in "чйаи" for name in find(query)[1:] for letter in name.lower())  # only й and и are forgiven


@pytest.fixture
def ranked(db: Database) -> list[str]:
    """Insert two tracks for each class of hits for "blue moon", the last class first; return the best order."""
    classes: list[dict[str, Any]] = [
        {"title": "Blue Moon"},
        {"title": "title is", "artist": "Blue Moon"},
        {"title": "album is", "album": "Blue-Moon"},
        {"title": "Blue Moon Rising"},
        {"title": "artist begins", "artist": "Blue Moon Band"},
        {"title": "album begins", "album": "Blue Moon (Live)"},
        {"title": "Once in a Moon of Blue"},
        {"title": "artist has", "artist": "Moon and Blue"},
        {"title": "album has", "album": "A Moon so Blue"},
        {"title": "Blue together", "artist": "Moony"},
        {"title": "Blue with genre", "genres": ["Moon Rock"]},
        {"title": "Blue in a folder of the moon"},
        {"title": "words"},
    ]
    files = []
    for number in (1, 2):
        for place, tags in enumerate(classes):
            title = tags["title"]
            folder = "moon/" if title.startswith("Blue in") else ""
            path = f"/{number}/{folder}{place:02}.x"
            files.append(file(path, **{**tags, "title": title.replace(" of the moon", "")}))
    insert(db, *reversed(files))
    with db.transaction() as connection:
        connection.execute("UPDATE search_tracks SET lyrics = 'blue moon' WHERE title LIKE 'words%'")
    return [f["tags"]["title"] for f in files[: len(classes)]]


@pytest.mark.parametrize("compared", [1000, 3, 0])
def test_the_best_comes_first_however_many_are_found(
    db: Database, find: Find, ranked: list[str], compared: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "MAX_COMPARED_HITS", compared)
    assert find("blue moon") == [title for title in ranked for _ in (1, 2)]
    everything = search.find(db.reader(), "blue moon", 100, 0)
    assert everything.total == len(everything.ids) == 2 * len(ranked)
    for start in range(0, everything.total, 5):
        for counted in (True, False):
            ids = search.find(db.reader(), "blue moon", 5, start, counted=counted).ids
            assert ids == everything.ids[start : start + 5]


def test_shorter_titles_come_first_where_the_title_decides(db: Database, find: Find) -> None:
    insert_titles(db, "Love in the Rain", "Love Me Do", "True Love of Mine", "Lovers", "Tainted Love", "Love")
    assert find("love") == ["Love", "Lovers", "Love Me Do", "Love in the Rain", "Tainted Love", "True Love of Mine"]


def test_a_leading_article_makes_no_difference_to_a_whole_name(db: Database, find: Find) -> None:
    insert(
        db,
        file("/1", title="With article", artist="The Kinkos"),
        file("/2", title="Not theirs", artist="Kinkos and the Others"),
    )
    insert(db, file("/3", title="Without", artist="Doors"))
    assert find("kinkos") == ["With article", "Not theirs"]
    assert find("the doors") == ["Without"]


def test_every_word_has_to_be_there_but_in_any_field(db: Database, find: Find) -> None:
    insert(
        db,
        file(
            "/m/Xylo/deep/03 take.x",
            title="One",
            artist="Ann feat. Bob",
            album="Alb",
            album_artist="Cid",
            genres=["Zeuhl"],
        ),
        file("/m/other.x", title="One", artist="Dan", album="Alb"),
    )
    for words in (
        "ann",
        "bob",
        "ann bob",
        "cid",
        "zeuhl",
        "xylo",
        "take",
        "03 take.x",
        "deep zeuhl bob one alb cid",
        "xylo/deep",
    ):
        assert search.find(db.reader(), words, 10, 0).ids == [1], words
    assert search.find(db.reader(), "one alb", 10, 0).ids == [1, 2]
    assert find("ann dan") == []


def test_folders_above_the_music_are_no_words(db: Database, find: Find) -> None:
    with db.transaction() as connection:
        connection.execute("INSERT INTO roots VALUES ('/srv/music'), ('/srv/music/usb')")
    insert(db, file("/srv/music/usb/dir/a.x", title="One"), file("/srv/music/dir2/b.x", title="Two"))
    assert find("dir") == ["One", "Two"]
    assert (find("srv"), find("music"), find("usb")) == ([], [], [])


@pytest.mark.parametrize(
    "path", ["/a/Bananas.x", "/a/UrbAn.x", "/a/01 An.x", "/An An/An.x", "/An", "/a.b/An.An.x", "/a\\\\b/\\xe9Foo An.x"]
)
def test_a_title_within_a_file_name_hides_no_word(db: Database, find: Find, path: str) -> None:
    insert(db, file(path, title="An"))
    for word in path.replace("\\\\", " ").replace("\\xe9", " ").replace("/", " ").replace(".", " ").split():
        assert find(word) == ["An"], word


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("metalica", "Metallica"), ("metallcia", "Metallica"), ("emtallica", "Metallica"), ("netallica", "Metallica"),
        ("metalicca", "Metallica"), ("mettallicca", "Metallica"), ("metal lica", "Metallica"),
        ("enter sandmen", "Enter Sandman"), ("entre sandman", "Enter Sandman"), ("sandmn entr", "Enter Sandman"),
        ("чайковскй", "Чайковский"), ("чаиковскии", "Чайковский"),
        ("metlli", "Metallica"), ("enter sbndm", "Enter Sandman"), ("enetr sandm", "Enter Sandman"), ("mxta", ""),
        ("rok", ""), ("1985", ""), ("enter nothing", ""),
    ],
)  # fmt: skip
def test_typing_errors_are_forgiven(db: Database, find: Find, typed: str, found: str) -> None:
    insert_titles(db, "Enter Sandman", "Metallica", "Чайковский", "Rak", "1984", "Nothing Else Matters")
    assert find(typed) == ([found] if found else [])


def test_similar_words_follow_the_exact_hits_and_only_if_these_are_few(db: Database, find: Find) -> None:
    insert_titles(db, "Loves", "Love", *(f"Live {i}" for i in range(20)))
    assert find("love")[:2] == ["Love", "Loves"]
    assert len(find("love")) == 22
    hits = search.find(db.reader(), "love", 10, 0)
    assert (len(hits.ids), hits.total, hits.similar) == (10, 22, 20)
    assert search.find(db.reader(), "love", 50, 10).ids == search.find(db.reader(), "love", 50, 0).ids[10:]
    insert(db, *(file(f"/more/{i}", title=f"Love {i}") for i in range(finding.MIN_EXACT_HITS)))
    assert len(find("love")) == 2 + finding.MIN_EXACT_HITS


def test_many_similar_hits_are_too_many_to_compare(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "MAX_COMPARED_HITS", 4)
    insert_titles(db, *(f"Lovely Morning {i}" for i in range(30)))
    for query in ("lovly mornin", "lovly", "lovly morning 7"):
        found = search.find(db.reader(), query, 50, 0)
        assert found.total == len(set(found.ids)) == (1 if "7" in query else 30)


def test_no_question_is_syntax(db: Database, find: Find) -> None:
    insert_titles(db, "or near and not", 'quote " star *')
    for query in (
        '"* OR NEAR( -', '" OR "', "title : x", "{title} : (a)", "a AND NOT b", "^a", "a*", "\x00", "*", '"', "(" * 200,
        "'" * 200, "\ud800", "a\u0300" * 100, "ª", "ªor", "{", "-title:x",
    ):  # fmt: skip
        find(query)
    assert find("NOT or") == ["or near and not"]
    assert find('"') == ['quote " star *']
    assert find("  ") == []


def test_counting_ends(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "MAX_COUNTED_HITS", 12)
    monkeypatch.setattr(finding, "MAX_COMPARED_HITS", 10)
    insert_titles(db, *(f"Love {i}" for i in range(30)))
    assert search.find(db.reader(), "love", 50, 0).total == 12
    uncounted = search.find(db.reader(), "love", 50, 0, counted=False)
    assert (len(uncounted.ids), uncounted.total) == (30, 11)
    assert search.find(db.reader(), "love", 5, 20).ids == [21, 22, 23, 24, 25]


@pytest.fixture
def kinds(db: Database) -> Callable[[str, Kind], list[str]]:
    """Insert some albums and artists; return the names of what a text finds."""
    insert(
        db,
        file("/1", title="Blue", artist="Red", album="Blue Album", genres=["Blues Rock"]),
        file("/2", title="Blue", artist="Blue", album="Red Album", genres=["Hip-Hop"]),
        file("/3", title="x", artist="Bluebird", album="Blue"),
    )
    columns = {"track": "title", "album": "title", "artist": "name", "genre": "name"}

    def names(query: str, kind: Kind) -> list[str]:
        by_id = dict(tuple(row) for row in db.reader().execute(f"SELECT id, {columns[kind]} FROM {kind}s"))
        return [by_id[i] for i in search.find(db.reader(), query, 10, 0, kind).ids]

    return names


def test_albums_artists_and_genres_are_found(db: Database, kinds: Callable[[str, Kind], list[str]]) -> None:
    assert kinds("blue", "artist") == ["Blue", "Bluebird"]
    assert kinds("blue", "album") == ["Blue", "Red Album", "Blue Album"]
    assert kinds("red blue", "album") == ["Blue Album", "Red Album"]
    assert kinds("blues", "genre") == ["Blues Rock"]
    assert kinds("hiphop", "genre") == kinds("hip hop", "genre") == kinds("hip-hpo", "genre") == ["Hip-Hop"]
    assert kinds("bluebrid", "artist") == ["Bluebird"]


def test_what_has_no_track_is_not_found(db: Database, kinds: Callable[[str, Kind], list[str]]) -> None:
    with db.transaction() as connection:
        mark_missing(connection, ["/1", "/3"])
    assert kinds("blue", "track") == ["Blue"]
    assert kinds("blue", "artist") == ["Blue"]
    assert kinds("blue", "album") == ["Red Album"]
    assert kinds("blues", "genre") == []
    with db.transaction() as connection:
        mark_returned(connection, ["/3"])
        delete_tracks(connection, connection.execute("SELECT * FROM tracks WHERE id IN (1, 2)"))
    assert kinds("blue", "artist") == ["Bluebird"]
    rows = lambda table: db.reader().execute(f"SELECT count(*) FROM search_{table}").fetchone()[0]  # noqa: E731
    assert (rows("tracks"), rows("albums"), rows("artists")) == (1, 1, 1)


def test_the_tables_are_consistent(db: Database, kinds: Callable[[str, Kind], list[str]]) -> None:
    with db.transaction() as connection:
        index.reindex(connection, [1, 2, 3])
        for table in ("tracks", "albums", "artists", "genres"):
            connection.execute(f"INSERT INTO search_{table} (search_{table}) VALUES ('integrity-check')")
    with pytest.raises(sqlite3.IntegrityError), db.transaction() as connection:
        index.add(connection, [1])
