"""The index follows its rows: changed names, genres, and transactions that are rolled back."""

import pytest

from soniquebay.library import genres, search
from soniquebay.library.browsing import details
from soniquebay.library.database import Database
from soniquebay.library.missing_tracks import mark_missing, mark_returned
from soniquebay.library.search import index, spelling
from soniquebay.library.search.finding import Kind
from tests.unit.songs import file, insert


def ids(db: Database, query: str, kind: Kind = "track") -> list[int]:
    return search.find(db.reader(), query, 10, 0, kind).ids


def test_genres_from_musicbrainz_are_found(db: Database) -> None:
    release = "11111111-0000-4000-8000-000000000000"
    with db.transaction() as connection:
        connection.execute(
            "INSERT INTO mb_releases (mbid, name, genres, expires_at) VALUES (?, 'X', '[\"Zeuhl\"]', 9)", (release,)
        )
    insert(db, file("/1", artist="A", album="X", mb_album=release), file("/2", artist="A", album="X", genres=("Dub",)))
    assert (ids(db, "zeuhl"), ids(db, "dub")) == ([1], [2])
    with db.transaction() as connection:
        connection.execute("UPDATE mb_releases SET genres = '[\"Krautrock\"]'")
        genres.fill_from_musicbrainz(connection, [1, 2])
    assert (ids(db, "zeuhl"), ids(db, "krautrock"), ids(db, "dub")) == ([], [1], [2])
    assert [details.genres_by_id(db.reader(), ids(db, name, "genre")) for name in ("krautrock", "dub")] == [
        [{"id": 3, "name": "Krautrock", "tracks": 1, "albums": 1}], [{"id": 1, "name": "Dub", "tracks": 1, "albums": 1}]
    ]  # fmt: skip


def test_a_changed_name_replaces_the_old_one(db: Database) -> None:
    insert(db, file("/1", artist="Beyonse", album="Lemonad"))
    assert ids(db, "beyonse", "artist") == ids(db, "lemonad beyonse", "album") == [1]
    insert(db, file("/1", artist="Adele", album="Nineteen"))
    # The artist is another one. The album is the same, because its tracks are.
    assert (ids(db, "beyonse", "artist"), ids(db, "adele", "artist")) == ([], [2])
    assert (ids(db, "lemonad", "album"), ids(db, "nineteen adele", "album")) == ([], [1])
    assert (ids(db, "beyonse lemonad"), ids(db, "adele nineteen")) == ([], [1])


def test_a_track_that_returns_with_other_credits_is_indexed_once(db: Database) -> None:
    insert(db, file("/1", artist="Ann & Bob"))
    with db.transaction() as connection:
        mark_missing(connection, ["/1"])
    insert(db, file("/2", artist="Ann"), file("/3", artist="Bob"))  # now it is credited to the two
    statements: list[str] = []
    with db.transaction() as connection:
        connection.set_trace_callback(statements.append)
        mark_returned(connection, ["/1"])
        connection.set_trace_callback(None)
    assert ids(db, "ann bob") == [1]
    assert sum(s.startswith("INSERT INTO search_tracks (") for s in statements) == 1


def test_a_rolled_back_transaction_takes_no_words_with_it_for_good(db: Database) -> None:
    insert(db, file("/0", title="Zeroth"))
    with pytest.raises(RuntimeError), db.transaction() as connection:
        connection.execute("UPDATE tracks SET title = 'Metallica Sandman'")
        index.reindex(connection, [1])
        raise RuntimeError
    insert(db, file("/1", title="Metallica"), file("/2", title="Sandman"))
    assert (ids(db, "metalica"), ids(db, "sandmen")) == ([2], [3])


def test_words_are_remembered_up_to_a_number(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "MAX_KNOWN_WORDS", 6)
    insert(db, *(file(f"/{i}", title=f"Word{'abcdefgh'[i]}") for i in range(8)))
    insert(db, file("/9", title="Worda Wordi"))
    assert len(spelling.candidates(db.reader(), "wordx", 1)) == 9
    assert len(index._known_words._words) <= 6


def test_words_are_remembered_for_one_database(db: Database, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = Database(tmp_path_factory.mktemp("other") / "library.db")
    other.migrate()
    insert(other, file("/1", title="Zulu Yankee"))
    insert(db, file("/1", title="Quebec"))
    insert(db, file("/2", title="Zulu Yankee"))
    insert(other, file("/2", title="Quebec"))
    assert spelling.candidates(other.reader(), "quebek", 1) == ["quebec"]


@pytest.mark.parametrize("reason", ["title", "lyrics"])
def test_a_huge_text_is_cut(db: Database, reason: str) -> None:
    insert(db, file("/1", title="x"))
    text = " ".join(f"word{i}" for i in range(20_000))
    with db.transaction() as connection:
        if reason == "lyrics":
            connection.execute("UPDATE file_tags SET tags = json_object('lyrics', ?)", (text,))
        else:
            connection.execute("UPDATE tracks SET title = ?", (text,))
        index.reindex(connection, [1])
    assert ids(db, "word5") == [1]
    assert ids(db, "word19999") == []
    size = db.reader().execute("SELECT sum(length(c0) + length(c5)) FROM search_tracks_content").fetchone()[0]
    assert size < 2 * index.MAX_LYRICS_CHARACTERS


def test_lyrics_are_found_after_all_else(db: Database) -> None:
    insert(db, file("/1", title="One", lyrics="Blue blue don’t"), file("/2/blue.x", title="Two"))
    insert(db, file("/3", title="Blue"))
    assert ids(db, "blue") == [3, 2, 1]
    assert ids(db, "dont one") == [1]
    assert db.reader().execute("SELECT lyrics FROM search_tracks").fetchone()[0] == "blue don t dont"
