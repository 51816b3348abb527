"""A library of any number of tracks without files, made by the functions that a scan calls.

Its rows are those of a real scan: tags, credits, genres, search index. Its vectors are random points in clusters.
"""

import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from bench import names
from soniquebay.audio.feature_schema import FEATURE_VERSION, VECTOR_SIZE
from soniquebay.library import ingest, sessions
from soniquebay.library.catalogue import rebuild
from soniquebay.library.catalogue.message import entities
from soniquebay.library.database import Database
from soniquebay.library.entities import FileStamp, FileTags
from soniquebay.library.search import index

FILES_PER_BATCH = 500
BATCHES_PER_TRANSACTION = 4
CLUSTERS = 2000  # as artists: neighbours that are nearer than the rest
MTIME_NS = 1_700_000_000 * 10**9


def make(database: Database, root: Path, tracks: int) -> float:
    """Fill an empty library with tracks below `root`, and return the CPU seconds that their insertion took."""
    files = _files(root, tracks)
    spent, done = 0.0, 0
    with database.transaction() as db:
        # As the API does before a first scan; else it would make all of it anew.
        rebuild.begin(db, frozenset())
        index.begin_rebuild(db)
        session_id = sessions.start(db)
        db.execute("INSERT INTO roots VALUES (?)", (str(root),))
    while batches := [batch for _ in range(BATCHES_PER_TRANSACTION) if (batch := list(islice(files, FILES_PER_BATCH)))]:
        messages = [(f"batch-{done}-{i}", batch, entities(batch)) for i, batch in enumerate(batches)]
        began = time.thread_time()
        with database.transaction() as db:
            for batch_id, batch, message in messages:
                stamps: list[FileStamp] = [
                    {"path": file["path"], "size": file["size"], "mtime_ns": file["mtime_ns"]} for file in batch
                ]
                sessions.register_batch(db, session_id, batch_id, stamps)
                ingest.apply_batch(db, batch_id, message)
        spent += time.thread_time() - began
        done += sum(map(len, batches))
        print(f"\r{done} of {tracks} tracks", end="" if done < tracks else "\n", file=sys.stderr, flush=True)
    with database.transaction() as db:
        sessions.end_discovery(db, session_id, 0, [])
        sessions.complete_if_done(db, session_id)
    _add_vectors(database, tracks)
    return spent


def _files(root: Path, tracks: int) -> Iterator[FileTags]:
    for i, track in enumerate(names.tracks(tracks)):
        tags: dict[str, str | list[str]] = {
            "title": track.title, "artist": track.artist, "album": track.album, "albumartist": track.artist,
            "tracknumber": str(track.number), "date": str(track.year), "genre": track.genre,
        }  # fmt: skip
        path = f"{root}/{track.artist}/{track.album}/{track.number:02} {track.title}.flac"
        sound = {"format": "FLAC", "duration": 180.0 + i % 97, "bitrate": 900, "sample_rate": 44100, "channels": 2}
        yield {"path": path, "size": 20_000_000 + i, "mtime_ns": MTIME_NS, "tags": tags, "sound": sound}


def _add_vectors(database: Database, tracks: int) -> None:
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((CLUSTERS, VECTOR_SIZE), np.float32)
    ids = [row["id"] for row in database.reader().execute("SELECT id FROM tracks ORDER BY id")]
    assert len(ids) == tracks, f"{len(ids)} tracks of {tracks}"
    for start in range(0, tracks, 20_000):
        part = ids[start : start + 20_000]
        points = centres[rng.integers(CLUSTERS, size=len(part))] + rng.standard_normal(
            (len(part), VECTOR_SIZE), np.float32
        )
        with database.transaction() as db:
            db.executemany(
                "INSERT INTO vectors (track_id, version, data, bpm, musical_key) VALUES (?, ?, ?, 120, 'A minor')",
                (
                    (track_id, FEATURE_VERSION, point.astype("<f4").tobytes())
                    for track_id, point in zip(part, points, strict=True)
                ),
            )
