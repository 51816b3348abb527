"""Albums, artists and genres in the similarity index: the means of their tracks."""

import threading

import numpy as np
import pytest

from soniquebay.audio.feature_schema import FEATURE_VERSION, VECTOR_SIZE
from soniquebay.library.database import Database
from soniquebay.library.similarity import index as index_module
from soniquebay.library.similarity import means
from soniquebay.library.similarity.index import SimilarityIndex
from soniquebay.library.similarity.means import load_means
from soniquebay.library.similarity.nearest_neighbours import load_index
from soniquebay.library.similarity.vectors import store
from tests.unit.songs import file, insert

SIZES = (1, 2, 5, 7, 1, 4)  # tracks of the albums


@pytest.fixture
def analysed(db: Database) -> Database:
    """Return a library of albums of several sizes, all but one track of which have a vector."""
    insert(db, *(
        file(f"/{album}/{n}.flac", size=10 * album + n + 1, title=f"T{n}", artist=f"A{album % 2}", album=f"B{album}",
             composer=f"A{album % 2}" if n % 2 else "C", genres=(f"G{n % 2}", "All"))
        for album, size in enumerate(SIZES) for n in range(size)
    ))  # fmt: skip
    chance = np.random.default_rng(3)
    with db.transaction() as connection:
        for track_id in range(1, sum(SIZES)):
            store(connection, track_id, FEATURE_VERSION, chance.normal(size=VECTOR_SIZE).astype("<f4").tobytes(), None)
    return db


@pytest.mark.parametrize(("kind", "number"), [("album", 6), ("artist", 3), ("genre", 3)])
@pytest.mark.parametrize("rows_per_step", [1, 3, 10_000])
def test_each_is_the_mean_of_its_tracks(
    analysed: Database, monkeypatch: pytest.MonkeyPatch, kind: means.Kind, number: int, rows_per_step: int
) -> None:
    monkeypatch.setattr(means, "_ROWS_PER_STEP", rows_per_step)
    db = analysed.reader()
    index = load_index(db)
    assert index is not None
    index.remove(3)  # its row is that of another track now
    found = load_means(db, index, threading.Lock(), kind)
    assert found is not None
    assert found.count == number
    tracks_of = {
        "album": "SELECT id FROM tracks WHERE album_id = ?",
        "artist": "SELECT DISTINCT track_id FROM track_artists WHERE artist_id = ?",
        "genre": "SELECT track_id FROM track_genres WHERE genre_id = ?",
    }[kind]
    for row, item_id in enumerate(found.ids[: found.count].tolist()):
        rows = [index.row_of(track_id) for (track_id,) in db.execute(tracks_of, (item_id,))]
        wanted = index.points[[row for row in rows if row is not None]].mean(axis=0)
        np.testing.assert_allclose(found.points[row], wanted, atol=0.015)  # what is kept is rounded


def test_means_follow_the_library_in_the_background(analysed: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_module, "_MAX_SYNCHRONOUS_TRACKS", 0)
    vectors = SimilarityIndex(analysed.reader)
    db = analysed.reader()
    # The last album has one track without a vector; the one before has a single track.
    assert len(vectors.rank(db, "album", 1, 10) or ()) == 5
    assert vectors.rank(db, "album", 99, 10) is None
    with analysed.transaction() as connection:
        connection.execute("UPDATE tracks SET album_id = 1 WHERE album_id = 2")
    vectors.mark_outdated()
    vectors.rank(db, "album", 1, 10)
    for thread in [t for t in threading.enumerate() if t.name == "means"]:
        thread.join()
    assert {item_id for item_id, _ in vectors.rank(db, "album", 1, 10) or ()} == {3, 4, 5, 6}


def test_the_first_means_are_there_once_the_index_is_loaded(
    analysed: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_module, "_PAUSE_FACTOR", 1e9)  # none is computed again
    vectors = SimilarityIndex(analysed.reader)
    vectors.load_in_background()
    for thread in [t for t in threading.enumerate() if t.name == "vectors"]:
        thread.join()
    monkeypatch.setattr(means, "load_means", pytest.fail)
    db = analysed.reader()
    kinds: tuple[means.Kind, ...] = ("album", "artist", "genre")
    assert [len(vectors.rank(db, kind, 1, 10) or ()) for kind in kinds] == [5, 2, 2]


def test_a_library_without_vectors_has_no_means(db: Database) -> None:
    insert(db, file("/1", artist="A", album="B"))
    assert SimilarityIndex(db.reader).rank(db.reader(), "album", 1, 10) is None
