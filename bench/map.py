"""How long does the map of a large library take, in which memory, and how far can it be trusted?

    python -m bench.map [--tracks 10000 100000] [--umap PYTHON]

The points are random, in clusters of clusters. Processor time and memory (beside the points, by tracemalloc) are those
of `map_layout.lay_out` with one thread. The trustworthiness is measured with 5,000 points. `--umap` is an interpreter
that has umap-learn, which then makes a map of the same points; it is no dependency of this project. Last the answer to
`GET /api/map` is made from a database of the largest number of tracks.
"""

import argparse
import gzip
import os
import subprocess
import tempfile
import time
import tracemalloc
from pathlib import Path
from unittest.mock import patch

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy; as in the worker
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from bench import report
from bench.similar import fill
from soniquebay.api.map_body import encode
from soniquebay.audio.feature_schema import FEATURE_VERSION
from soniquebay.library.database import Database
from soniquebay.library.similarity import map_layout, map_places
from soniquebay.library.similarity.embedding import EMBEDDING_DIMENSIONS, Float32Array
from soniquebay.library.similarity.neighbour_graph import nearest_neighbours, nearest_of_others
from tests.support.trustworthiness import trustworthiness

_CHECKED = 5000  # points
_UMAP = """
import sys, time, numpy, umap
points = numpy.load(sys.argv[1])
started = time.process_time()
places = umap.UMAP(n_neighbors=15, random_state=0).fit_transform(points)
numpy.save(sys.argv[2], places)
print(time.process_time() - started)
"""


def points_of(tracks: int) -> Float32Array:
    """Return points in clusters (albums) of clusters (genres), with a decreasing variance by dimension."""
    chance = np.random.default_rng(0)
    falling = np.linspace(1.5, 0.3, EMBEDDING_DIMENSIONS, dtype=np.float32)
    albums = max(20, tracks // 100)
    genres = chance.normal(size=(max(4, albums // 20), EMBEDDING_DIMENSIONS)).astype(np.float32) * falling
    centres = genres[chance.integers(len(genres), size=albums)]
    centres += 0.5 * falling * chance.normal(size=centres.shape).astype(np.float32)
    points = np.empty((tracks, EMBEDDING_DIMENSIONS), np.float32)
    for start in range(0, tracks, 10_000):
        part = points[start : start + 10_000]
        part[:] = centres[chance.integers(albums, size=len(part))]
        part += 0.35 * chance.normal(size=part.shape).astype(np.float32)
    return points


def time_of(tracks: int) -> list[float]:
    """Return CPU seconds of the neighbours and of the whole, seconds to place a tenth anew, peak MB, and the recall."""
    points = points_of(tracks)
    started = time.process_time()
    rows, _ = nearest_neighbours(points, map_layout.NEIGHBOURS)
    neighbours = time.process_time() - started
    sample = np.arange(0, tracks, max(1, tracks // 500))
    exact, _ = nearest_of_others(points[sample], points, map_layout.NEIGHBOURS + 1)
    shared = [len(set(found) & set(all_)) for found, all_ in zip(rows[sample].tolist(), exact.tolist(), strict=True)]
    del rows
    started = time.process_time()
    places = map_layout.lay_out(points)
    whole = time.process_time() - started
    new = tracks // 10
    started = time.process_time()
    map_layout.place_among(points[:new], points[new:], places[new:])
    placing = time.process_time() - started
    tracemalloc.start()
    with patch.object(map_layout, "_EPOCHS", 2), patch.object(map_layout, "_EPOCHS_OF_SMALL", 2):  # tracing is slow
        map_layout.lay_out(points)
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return [neighbours, whole, placing, peak, float(np.mean(shared)) / map_layout.NEIGHBOURS]


def trust(umap: str | None, folder: Path) -> list[list[object]]:
    """Return a row for each way to make a map: CPU seconds and trustworthiness."""
    points = points_of(_CHECKED)
    started = time.process_time()
    places = map_layout.lay_out(points)
    rows: list[list[object]] = [["this one", time.process_time() - started, f"{trustworthiness(points, places):.4f}"]]
    centred = points - points.mean(axis=0)
    components = centred @ np.linalg.eigh(centred.T @ centred)[1][:, -2:]
    rows.append(["two principal components", 0.0, f"{trustworthiness(points, components):.4f}"])
    if umap:
        np.save(folder / "points.npy", points)
        files = [str(folder / "points.npy"), str(folder / "places.npy")]
        run = subprocess.run([umap, "-c", _UMAP, *files], check=True, capture_output=True, text=True)
        rows.append(["umap-learn", float(run.stdout), f"{trustworthiness(points, np.load(files[1])):.4f}"])
    return rows


def answer(tracks: int, folder: Path) -> list[list[object]]:
    """Return what it takes to answer `GET /api/map`."""
    fill(folder / "library.db", tracks)
    database = Database(folder / "library.db")
    chance = np.random.default_rng(0)
    with database.transaction() as db:
        layout = map_places.begin(db)
        places = chance.integers(map_places.MAX_COORDINATE, size=(tracks, 2)).tolist()
        map_places.store(db, layout, ((i + 1, x, y) for i, (x, y) in enumerate(places)))
        map_places.finish(db, layout, FEATURE_VERSION, map_places.ALGORITHM_VERSION)
    started = time.process_time()
    body = encode(map_places.points(database.reader()), [0] * tracks)
    made = time.process_time() - started
    started = time.process_time()
    packed = gzip.compress(body, 1)
    packing = time.process_time() - started
    started = time.process_time()
    map_places.plan(database.reader())
    planning = time.process_time() - started
    return [["made, s", made], ["compressed, s", packing], ["MB", len(body) / 1e6], ["compressed", len(packed) / 1e6],
            ["check what is due, s", planning]]  # fmt: skip


def main() -> None:
    """Measure, print, and write build/bench/map.json."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--tracks", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--umap", metavar="PYTHON")
    options = parser.parse_args()
    header = ("tracks", "neighbours, CPU s", "whole map, CPU s", "a tenth placed, CPU s", "peak MB", "found neighbours")
    times = [[n, *time_of(n)] for n in options.tracks]
    report.table("Map", header, times)
    with tempfile.TemporaryDirectory() as folder:
        trusted = trust(options.umap, Path(folder))
        report.table(f"Trustworthiness, k=15, {_CHECKED} points", ("", "CPU s", ""), trusted)
        answered = answer(max(options.tracks), Path(folder))
        report.table(f"GET /api/map at {max(options.tracks)} tracks", ("", ""), answered)
    report.save("map", {"times": times, "trustworthiness": trusted, "answer": answered})


if __name__ == "__main__":
    main()
