"""The sound tags of a track: stored with its vector, refused where they are wrong, and gone with it."""

import base64
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from soniquebay.api.analysis_result import AnalysisResult
from soniquebay.audio.feature_schema import FEATURE_VERSION, VECTOR_SIZE
from soniquebay.audio.sound_tags import SOUND_TAGS, SOUND_TAGS_VERSION
from soniquebay.library import queries
from soniquebay.library.database import Database
from soniquebay.library.similarity import sound_tags, vectors
from tests.unit.songs import file, insert

VALUES = np.linspace(0, 1, len(SOUND_TAGS))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "library.db")
    opened.migrate()
    insert(opened, file("/r/1.flac", title="One", artist="A"))
    yield opened


def result(**changes: object) -> AnalysisResult:
    """What the worker tells, with other fields of the sound tags."""
    tags = {"version": SOUND_TAGS_VERSION, "data": base64.b64encode(VALUES.astype("<f2").tobytes()).decode(), **changes}
    data = base64.b64encode(bytes(4 * VECTOR_SIZE)).decode()
    return AnalysisResult.model_validate({"version": FEATURE_VERSION, "data": data, "sound_tags": tags})


def test_fifty_probabilities_are_kept_in_a_hundred_bytes(database: Database) -> None:
    with database.transaction() as db:
        assert result().store(db, 1)
        assert db.execute("SELECT length(probabilities) AS size FROM sound_tags").fetchone()["size"] == 100
    found = sound_tags.probabilities(database.reader(), 1)
    assert found is not None
    assert list(found) == list(SOUND_TAGS)
    assert list(found.values()) == pytest.approx(VALUES, abs=5e-4)
    assert len(set(SOUND_TAGS)) == 50
    assert sound_tags.probabilities(database.reader(), 2) is None


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (VALUES[:-1], "50 float16 values"),
        (np.where(VALUES == 1, np.nan, VALUES), "not a probability"),
        (np.where(VALUES == 1, np.inf, VALUES), "not a probability"),
        (VALUES * 1.01, "not a probability"),
        (VALUES - 0.01, "not a probability"),
    ],
)
def test_what_are_no_probabilities_are_refused_with_the_vector(
    database: Database, values: np.ndarray, reason: str
) -> None:
    wrong = result(data=base64.b64encode(values.astype("<f2").tobytes()).decode())
    with pytest.raises(ValueError, match=reason), database.transaction() as db:
        wrong.store(db, 1)
    assert database.reader().execute("SELECT count(*) FROM vectors").fetchone()[0] == 0


def test_sound_tags_of_another_version_are_refused() -> None:
    with pytest.raises(ValueError, match="version of its sound tags is 2"):
        sound_tags.store(None, 1, (SOUND_TAGS_VERSION + 1, bytes(100)))  # type: ignore[arg-type]
    with pytest.raises(ValidationError):
        result(version="one")


def test_sound_tags_go_with_the_vector_and_with_the_track(database: Database) -> None:
    with database.transaction() as db:
        result().store(db, 1)
        vectors.store(db, 1, FEATURE_VERSION, None, "damaged")
        assert sound_tags.probabilities(db, 1) is None
        result().store(db, 1)
        db.execute("DELETE FROM tracks WHERE id = 1")
        assert db.execute("SELECT count(*) FROM sound_tags").fetchone()[0] == 0


def test_tracks_with_sound_tags_of_another_version_are_analysed_again(database: Database) -> None:
    with database.transaction() as db:
        result().store(db, 1)
        assert vectors.mark_outdated_for_analysis(db) == 0
        db.execute("UPDATE sound_tags SET version = version + 1")
        assert sound_tags.probabilities(db, 1) is None
        assert vectors.mark_outdated_for_analysis(db) == 1
        assert [track["id"] for track in queries.unanalysed_tracks(db, 10)] == [1]
