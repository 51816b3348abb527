"""Progress is asked for many times a second in a scan, so it must not take longer in a larger library."""

from soniquebay.audio.feature_schema import FEATURE_VERSION, VECTOR_SIZE
from soniquebay.library import progress
from soniquebay.library.database import Database
from soniquebay.library.similarity import vectors
from tests.unit.songs import file, insert


def grow(db: Database, name: str, tracks: int) -> None:
    """Add tracks that are analysed."""
    files = [file(f"/r/{name} {n}.flac", title=f"{name} {n}") for n in range(tracks)]
    assert insert(db, *files, batch_id=name).applied
    with db.transaction() as connection:
        for (track_id,) in connection.execute("SELECT id FROM tracks WHERE analysed = 0").fetchall():
            vectors.store(connection, track_id, FEATURE_VERSION, b"\0\0\x80?" * VECTOR_SIZE, None)


def instructions(db: Database) -> int:
    """Return how many instructions SQLite's virtual machine executes for the progress."""
    count = 0

    def note() -> int:
        nonlocal count
        count += 1
        return 0

    reader = db.reader()
    reader.set_progress_handler(note, 1)
    assert progress.snapshot(reader, 1)
    reader.set_progress_handler(None, 1)
    return count


def test_progress_takes_as_long_in_a_large_library_as_in_a_small_one(db: Database) -> None:
    grow(db, "Song", 20)
    before = instructions(db)
    grow(db, "Another", 100)
    assert instructions(db) < before + 20
