"""What a track gets after its insert (vector, cover, genres), and how it is found."""

from pathlib import Path

import numpy as np
import pytest

from soniquebay.audio.feature_schema import FEATURE_VERSION, VECTOR_SIZE
from soniquebay.library import covers, genres, queries, search
from soniquebay.library.database import Database
from soniquebay.library.similarity import vectors
from soniquebay.library.similarity.index import SimilarityIndex
from tests.unit.songs import file, insert


def test_a_track_waits_for_vector_and_cover_until_each_is_stored(db: Database, tmp_path: Path) -> None:
    insert(db, file("/1", artist="A", album="X", genres=("rock",)))
    assert queries.track(db.reader(), 1)["genres"] == ["Rock"]  # type: ignore[index] # nothing waits for the genres
    waiting = lambda: [  # noqa: E731
        len(fetch(db.reader(), 10))
        for fetch in (
            queries.unanalysed_tracks,
            queries.albums_with_unchecked_cover,
        )
    ]
    assert waiting() == [1, 1]
    with db.transaction() as connection:
        vectors.store(connection, 1, FEATURE_VERSION, None, "no sound")
    assert waiting() == [0, 1]
    with db.transaction() as connection:
        covers.set_from_files(connection, 1, None, {})
    assert waiting() == [0, 0]


def test_search_needs_every_word_and_takes_the_last_one_as_a_prefix(db: Database) -> None:
    insert(db, file("/1", title="Hoppípolla", artist="Sigur Rós", album="Takk"), file("/2", title="Takk", artist="B"))
    found = lambda text: search.find(db.reader(), text, 10, 0).ids  # noqa: E731
    assert found("hoppipolla sigur") == [1]
    assert sorted(found("tak")) == [1, 2]
    assert found("takk nobody") == []
    assert found('"* OR NEAR( -') == []
    assert found("t") == []
    assert found("  ") == []


def test_neighbours_come_nearest_first_without_the_track_itself(db: Database) -> None:
    insert(db, *(file(f"/{i}") for i in range(4)))
    rows = np.random.default_rng(1).normal(size=(4, VECTOR_SIZE)).astype("<f4")
    rows[3] = rows[0] + 0.01
    index = SimilarityIndex(db.reader)
    with db.transaction() as connection:
        for i, row in enumerate(rows[:3], start=1):
            assert vectors.store(connection, i, FEATURE_VERSION, row.tobytes(), None)
    assert index.nearest(db.reader(), 4, 5) is None
    with db.transaction() as connection:
        vectors.store(connection, 4, FEATURE_VERSION, rows[3].tobytes(), None)
        assert not vectors.store(connection, 99, FEATURE_VERSION, rows[3].tobytes(), None)
        with pytest.raises(ValueError, match="float32"):
            vectors.store(connection, 1, FEATURE_VERSION, b"short", None)
    index.update(4, FEATURE_VERSION, rows[3].tobytes())
    nearest = index.nearest(db.reader(), 1, 5)
    assert nearest is not None
    assert next(i for i, _ in nearest) == 4
    assert len(nearest) == 3
    assert index.nearest(db.reader(), 1, 1) == nearest[:1]


def test_a_single_vector_has_no_neighbours(db: Database) -> None:
    insert(db, file("/1"))
    with db.transaction() as connection:
        vectors.store(connection, 1, FEATURE_VERSION, b"\0\0\x80?" * VECTOR_SIZE, None)
    assert SimilarityIndex(db.reader).nearest(db.reader(), 1, 10) == []


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [("rock; Pop", ["Rock", "Pop"]), ("R&B", ["R&B"]), ("Hip-Hop\x1fhip hop", ["Hip-Hop"]), ("Unknown", []), ("", []),
     ("Zeuhl/Krautrock", ["Zeuhl", "Krautrock"]), ("IDM", ["IDM"]), ("Stage & Screen", ["Stage & Screen"]),
     ("Folk, World, & Country", ["Folk, World, & Country"]), ("Rock, Pop", ["Rock", "Pop"]),
     ("Brass & Military", ["Brass & Military"]), ("Country & Western", ["Country & Western"]),
     ("Rock & Roll", ["Rock & Roll"]), ("Singer/Songwriter", ["Singer/Songwriter"]),
     ("Rock, Soul and Funk", ["Rock, Soul and Funk"]),
     ("Pop/Rock; Folk, World, & Country", ["Pop", "Rock", "Folk, World, & Country"])],
)  # fmt: skip
def test_genres_are_cleaned_and_none_is_lost(raw: str, cleaned: list[str]) -> None:
    assert genres.clean([raw]) == cleaned


def test_several_values_are_genres_as_they_are_tagged() -> None:
    assert genres.clean(["Rock/Pop", "Jazz, Funk", "rock/pop", ""]) == ["Rock/Pop", "Jazz, Funk"]


def test_spellings_of_one_genre_are_one_with_the_most_frequent_spelling(db: Database) -> None:
    spellings = ("hip hop", "Hip-Hop", "HIP HOP", "Hip-Hop")
    insert(db, *(file(f"/{i}", genres=(spelling,)) for i, spelling in enumerate(spellings)))
    assert [queries.track(db.reader(), i)["genres"] for i in (1, 2, 3, 4)] == [["Hip-Hop"]] * 4  # type: ignore[index]


def test_genres_and_covers_are_stored_for_their_track(db: Database, tmp_path: Path) -> None:
    insert(db, file("/1", artist="A", album="X"))
    with db.transaction() as connection:
        genres.write(connection, {1: ["Folk", "Rock"]})
        genres.write(connection, {1: ["Folk"]})
        assert covers.store(connection, tmp_path / "covers", 1, b"picture", "image/png")
        assert not covers.store(connection, tmp_path / "covers", 99, b"picture", "image/png")
    assert queries.track(db.reader(), 1)["genres"] == ["Folk"]  # type: ignore[index]
    for kind in ("album", "track", "artist"):
        cover = covers.find_cover(db.reader(), kind, 1)
        assert cover == covers.Cover(covers.digest_of(b"picture"), "image/png")
    assert covers.picture_path(tmp_path / "covers", cover.digest).read_bytes() == b"picture"
