"""The path from one track to another: its ends, its steps, and whose tracks lie on it."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from soniquebay.audio.feature_schema import FEATURE_VERSION, VECTOR_SIZE
from soniquebay.library.database import Database
from soniquebay.library.similarity import artists, paths
from soniquebay.library.similarity.artists import Artists
from soniquebay.library.similarity.embedding import fit_embedding
from soniquebay.library.similarity.index import SimilarityIndex
from soniquebay.library.similarity.nearest_neighbours import NearestNeighbourIndex
from tests.unit.songs import file, insert

TRACKS = 300
ARTISTS = 12


def index_of(vectors: np.ndarray) -> NearestNeighbourIndex:
    embedding = fit_embedding(vectors)
    points = embedding.embed(vectors)
    return NearestNeighbourIndex.of_points(embedding, FEATURE_VERSION, points, np.arange(1, len(points) + 1), points)


@pytest.fixture(scope="module")
def index() -> NearestNeighbourIndex:
    """Return the index of the tracks 1 to 300. Those of one artist sound alike: track n is of artist n % 12."""
    chance = np.random.default_rng(5)
    of_artist = chance.normal(size=(ARTISTS, VECTOR_SIZE))
    vectors = of_artist[np.arange(1, TRACKS + 1) % ARTISTS] + 1.2 * chance.normal(size=(TRACKS, VECTOR_SIZE))
    return index_of(vectors.astype("<f4"))


CREDITS: Artists = {track_id: frozenset([track_id % ARTISTS]) for track_id in range(1, TRACKS + 1)}


def path(index: NearestNeighbourIndex, credits: Artists, first: int, last: int, count: int) -> list[int]:
    """Return a path; each id is a row and one."""
    near = paths.near_line(index, first - 1, last - 1)
    ids, similarities = paths.path(near, credits, first, last, count)
    assert len(ids) == len(set(ids.tolist())) == len(similarities)
    assert similarities[0] == 1.0 and (similarities >= 0).all() and (similarities <= 1).all()
    return [int(track_id) for track_id in ids]


def repeats(credits: Artists, on_path: list[int]) -> int:
    """Return how many steps lead to a track with an artist of the track before."""
    return sum(bool(credits.get(a, frozenset()) & credits.get(b, frozenset())) for a, b in pairwise(on_path))


def steps(index: NearestNeighbourIndex, on_path: list[int]) -> np.ndarray:
    rows = [track_id - 1 for track_id in on_path]
    return np.asarray(np.linalg.norm(np.diff(index.points[rows], axis=0), axis=1))


@pytest.mark.parametrize("count", [3, 4, 12, 25, 60])
def test_no_artist_follows_himself_and_steps_are_short(index: NearestNeighbourIndex, count: int) -> None:
    chance = np.random.default_rng(6)
    shares = []
    for first, last in chance.choice(np.arange(1, TRACKS + 1), (20, 2)).tolist():
        on_path = path(index, CREDITS, first, last, count)
        assert (on_path[0], on_path[-1], len(on_path)) == (first, last, count if first != last else 1)
        assert repeats(CREDITS, on_path) == 0
        assert path(index, CREDITS, first, last, count) == on_path
        between = chance.choice(np.setdiff1d(np.arange(1, TRACKS + 1), [first, last]), count - 2, replace=False)
        shares.append(steps(index, on_path).mean() / steps(index, [first, *between.tolist(), last]).mean())
    assert np.mean(shares) < 0.95


def test_every_artist_of_a_credit_counts(index: NearestNeighbourIndex) -> None:
    """One artist is a guest of every second track. A track without a credit may follow every other."""
    credits = {n: frozenset([n % ARTISTS, 99] if n % 2 else [n % ARTISTS]) for n in range(1, TRACKS) if n % 7}
    on_path = path(index, credits, 3, 250, 20)
    assert repeats(credits, on_path) == 0
    assert any(99 in credits.get(n, ()) for n in on_path[1:-1])


def test_each_step_aims_at_the_end_from_where_the_path_is() -> None:
    """Off the line lie two tracks beside each other. The path goes by both, and not to the line and back."""
    vectors = np.zeros((6, VECTOR_SIZE), "<f4")
    vectors[:, 0] = [0, 3, 1, 2, 1.2, 1.8]  # from 1 to 2; 3 and 4 lie off the line, and 5 and 6 off it as well
    vectors[:, 1] = [0, 0, 1, 1, -1.1, 3]
    embedding = fit_embedding(vectors)
    points = vectors[:, :64]
    index = NearestNeighbourIndex.of_points(embedding, FEATURE_VERSION, points, np.arange(1, 7), points)
    index.local_scale[:] = 1
    assert path(index, {}, 1, 2, 4) == [1, 3, 4, 2]
    assert path(index, {3: frozenset([1]), 4: frozenset([1])}, 1, 2, 4) == [1, 3, 5, 2]


@pytest.mark.parametrize("tracks", [1, 2, 3, 5])
@pytest.mark.parametrize("count", [2, 3, 25])
def test_a_library_of_few_tracks_or_one_artist_has_paths(tracks: int, count: int) -> None:
    index = index_of(np.random.default_rng(7).normal(size=(tracks, VECTOR_SIZE)).astype("<f4"))
    for credits in ({}, dict.fromkeys(range(1, tracks + 1), frozenset([1]))):
        on_path = path(index, credits, 1, tracks, count)
        assert (on_path[0], on_path[-1], len(on_path)) == (1, tracks, min(count, tracks))
        assert path(index, credits, 1, 1, count) == [1]


def test_equal_sounds_have_a_path() -> None:
    index = index_of(np.ones((5, VECTOR_SIZE), "<f4"))
    assert path(index, {}, 2, 4, 4) == [2, 1, 3, 4]


def test_the_tracks_nearest_to_the_line_are_considered(
    index: NearestNeighbourIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "MAX_CONSIDERED_TRACKS", 40)
    near = paths.near_line(index, 9, 200)
    assert near.count == 40 and {10, 201} <= set(near.ids.tolist())
    first, last = index.points[9], index.points[200]
    line = first + np.linspace(0, 1, 2001)[:, None] * (last - first)
    distances = np.array([((line - point) ** 2).sum(axis=1).min() for point in index.points[: index.count]])
    nearest = np.argsort(distances / index.local_scale)[:40] + 1
    assert len(set(nearest.tolist()) & set(near.ids.tolist())) >= 39  # the line of this test has gaps
    assert paths.near_line(index, 9, 9).count == 40
    with pytest.raises(ValueError, match="ends"):
        paths.path(near, {}, 10, 999, 5)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "library.db")
    database.migrate()
    yield database


def test_a_path_of_a_library_knows_its_artists(db: Database) -> None:
    """Half of the tracks are by one artist, who is also the guest of some of the others."""
    names = ["Ada" if n % 2 else f"Bo {n} feat. Ada" if n % 6 == 0 else f"Bo {n}" for n in range(60)]
    insert(db, file("/r/guest.flac", artist="Ada"), *(file(f"/r/{n}.flac", artist=a) for n, a in enumerate(names)))
    chance = np.random.default_rng(8)
    with db.transaction() as connection:
        ids = [row["id"] for row in connection.execute("SELECT id FROM tracks ORDER BY id")]
        for track_id in ids[:-1]:
            vector = chance.normal(size=VECTOR_SIZE).astype("<f4").tobytes()
            connection.execute(
                "INSERT INTO vectors (track_id, version, data) VALUES (?, ?, ?)", (track_id, FEATURE_VERSION, vector)
            )
    reader = db.reader()
    credits = artists.credited(reader, ids)
    ada = next(iter(credits[ids[0]]))
    assert sum(ada in of_track for of_track in credits.values()) == 1 + 30 + 10
    similar = SimilarityIndex(db.reader)
    found = similar.path(reader, ids[1], ids[20], 16)
    assert found is not None
    on_path = [track_id for track_id, _ in found]
    assert (on_path[0], on_path[-1], len(on_path)) == (ids[1], ids[20], 16)
    assert repeats(credits, on_path) == 0
    assert similar.path(reader, ids[0], ids[-1], 5) is None
    assert similar.path(reader, ids[-1], ids[0], 5) is None
    _remove(db, on_path[3])
    again = similar.path(reader, ids[1], ids[20], 16)
    assert again is not None and on_path[3] not in [track_id for track_id, _ in again]
    _remove(db, ids[20])
    assert similar.path(reader, ids[1], ids[20], 16) is None


def _remove(db: Database, track_id: int) -> None:
    with db.transaction() as connection:
        connection.execute("DELETE FROM tracks WHERE id = ?", (track_id,))
