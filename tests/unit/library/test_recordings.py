"""Which files are one recording: by real files of the same music, of other takes of it, and of other music."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from soniquebay.audio.analysis import analyse
from soniquebay.audio.feature_schema import FEATURE_VERSION, VECTOR_SIZE, is_acoustic_fingerprint
from soniquebay.audio.reading.read import read_file
from soniquebay.library.database import Database
from soniquebay.library.similarity import recordings, vectors
from soniquebay.library.similarity.acoustic_fingerprints import different_bits, is_one_recording
from soniquebay.library.similarity.recordings import load_sounds
from tests.support import sounds
from tests.support.synthetic_music import RATE_HZ, piece
from tests.unit.songs import file, insert

SECONDS = 40.0  # more than what is decoded whole


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write one recording under the names a to e, other takes and mixes of it, and other music."""
    made = tmp_path_factory.mktemp("recordings")
    music = piece(1, SECONDS)
    write = sounds.write
    write(made / "a.flac", music, RATE_HZ, "flac")
    write(made / "b.mp3", 0.4 * music, RATE_HZ, "libmp3lame", "flt", b="128000")
    write(made / "c.m4a", music, RATE_HZ, "aac", "flt", b="128000")
    write(made / "d.flac", np.pad(music, ((0, 0), (22_050, 44_100))), RATE_HZ, "flac")
    write(made / "e.mp3", np.pad(music, ((0, 0), (50_000, 0))), RATE_HZ, "libmp3lame", "flt", b="320000")
    write(made / "take.flac", piece(1, SECONDS, tempo=1.02), RATE_HZ, "flac")
    write(made / "mono.flac", np.repeat(music[:1], 2, axis=0), RATE_HZ, "flac")
    write(made / "faded.flac", music * (np.arange(music.shape[1]) < 0.75 * music.shape[1]), RATE_HZ, "flac")
    write(made / "longer.flac", np.concatenate([music, music[:, : 10 * RATE_HZ]], axis=1), RATE_HZ, "flac")
    for seed in range(2, 6):
        write(made / f"other{seed}.flac", piece(seed, SECONDS), RATE_HZ, "flac")
    write(made / "silence1.flac", 0 * music, RATE_HZ, "flac")
    write(made / "silence2.flac", 0 * music, RATE_HZ, "flac")
    return made


@pytest.fixture(scope="module")
def library(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    database = Database(tmp_path_factory.mktemp("data") / "library.db")
    database.migrate()
    paths = sorted(folder.iterdir())
    insert(database, *(file(str(path), duration=read_file(str(path)).sound.duration) for path in paths))
    with database.transaction() as db:
        for row in db.execute("SELECT id, path FROM tracks").fetchall():
            found = analyse(row["path"])
            vectors.store(db, row["id"], FEATURE_VERSION, found.vector.astype("<f4").tobytes(), None,
                          acoustic_fingerprint=found.acoustic_fingerprint, length=found.length)  # fmt: skip
    yield database.reader()


def names(db: sqlite3.Connection, groups: list[list[int]]) -> list[list[str]]:
    paths = {row["id"]: Path(row["path"]).name for row in db.execute("SELECT id, path FROM tracks")}
    return [sorted(paths[track_id] for track_id in group) for group in groups]


def test_files_of_one_recording_are_a_group_and_nothing_else_is_in_it(library: sqlite3.Connection) -> None:
    assert names(library, load_sounds(library).groups()) == [["a.flac", "b.mp3", "c.m4a", "d.flac", "e.mp3"]]


def test_no_silence_is_compared(library: sqlite3.Connection) -> None:
    sounds_found = load_sounds(library)
    compared = names(library, [sounds_found.ids.tolist()])[0]
    assert len(compared) == 13
    assert not [name for name in compared if name.startswith("silence")]


def test_another_take_is_as_near_by_its_vector_and_told_apart_by_its_fingerprint(
    library: sqlite3.Connection, folder: Path
) -> None:
    first, copy, take = (analyse(str(folder / name)) for name in ("a.flac", "b.mp3", "take.flac"))
    points = recordings.points_of(np.stack([first.vector, copy.vector, take.vector]))
    assert (np.linalg.norm(points[1:] - points[0], axis=1) < recordings.MAX_DISTANCE).all()
    assert is_one_recording(first.acoustic_fingerprint, copy.acoustic_fingerprint)
    assert not is_one_recording(first.acoustic_fingerprint, take.acoustic_fingerprint)


def test_a_short_file_is_recognised_as_well(tmp_path: Path) -> None:
    short = piece(7, 5.0)
    paths = [tmp_path / name for name in ("a.flac", "b.mp3", "c.flac")]
    sounds.write(paths[0], short, RATE_HZ, "flac")
    sounds.write(paths[1], np.pad(short, ((0, 0), (9000, 0))), RATE_HZ, "libmp3lame", "flt", b="128000")
    sounds.write(paths[2], piece(8, 5.0), RATE_HZ, "flac")
    first, copy, other = (analyse(str(path)).acoustic_fingerprint for path in paths)
    assert is_one_recording(first, copy)
    assert not is_one_recording(first, other)


def test_a_file_that_is_just_decoded_whole_fits_one_that_is_just_not(tmp_path: Path) -> None:
    music = piece(9, 35.5)
    sounds.write(tmp_path / "a.flac", music, RATE_HZ, "flac")
    sounds.write(tmp_path / "b.flac", np.pad(music, ((0, 0), (44_100, 0))), RATE_HZ, "flac")
    whole, parts = (analyse(str(tmp_path / name)).acoustic_fingerprint for name in ("a.flac", "b.flac"))
    assert len(whole) != len(parts)
    assert is_one_recording(whole, parts)


def test_what_is_too_short_or_no_fingerprint_at_all_fits_nothing(tmp_path: Path) -> None:
    click = sounds.write(tmp_path / "click.flac", piece(1, 0.3), RATE_HZ, "flac")
    empty = analyse(str(click)).acoustic_fingerprint
    assert different_bits(empty, empty) == (1.0, 1.0)
    assert different_bits(b"", b"") == (1.0, 1.0)
    assert is_acoustic_fingerprint(empty)
    assert not is_acoustic_fingerprint(empty[:-1] + b"xx")


def test_a_broken_fingerprint_is_refused(db: Database) -> None:
    insert(db, file("/r/a.flac"))
    vector = np.ones(VECTOR_SIZE, "<f4").tobytes()
    with db.transaction() as connection, pytest.raises(ValueError, match="no acoustic fingerprint"):
        vectors.store(connection, 1, FEATURE_VERSION, vector, None, acoustic_fingerprint=b"xyz")


def test_many_equal_tracks_are_one_group_in_the_order_of_their_ids() -> None:
    count = 700  # more than a block
    same = recordings.Sounds(
        np.arange(count, 0, -1), np.full(count, 200.0), np.ones((count, recordings.COMPARED_VALUES), np.float32),
        lambda _: analysed(),
    )  # fmt: skip
    assert same.groups() == [list(range(1, count + 1))]


def analysed() -> bytes:
    """Return a fingerprint of 80 steps."""
    return b"\0\0\0\0\x50\0" + np.random.default_rng(0).integers(256, size=80, dtype=np.uint8).tobytes()
