"""How good is the path from one song to another (`findSonicPath`), on real music: `make bench-sonic_path`.

    python -m bench.sonic_path [--packages NAME …] [--pairs 300] [--cache FOLDER]

The music is that of some packages of bench/corpus.py, analysed as the worker does it. A path between two pieces of
different artists is good when its steps are short: Euclidean distances in the embedding, as shares of the mean distance
between any two pieces. No step can be much shorter than the one from a piece to its nearest neighbour. Pieces at random
between the same two ends are measured beside it. Needs Debian's apt-get.
"""

import argparse
import os
import statistics
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np

from bench import report
from bench.corpus import SETS, Piece, files_of
from soniquebay.audio.analysis import analyse
from soniquebay.audio.feature_schema import FEATURE_VERSION
from soniquebay.library.similarity.embedding import fit_embedding
from soniquebay.library.similarity.nearest_neighbours import MAX_ANCHORS, NearestNeighbourIndex
from soniquebay.library.similarity.paths import near_line, path

COUNTS = (5, 8, 12)  # tracks of a path
DEFAULT_PACKAGES = ("wesnoth-1.16-music", "singularity-music", "marsshooter-data")


def vector_of(file: str) -> list[float]:
    return [float(value) for value in analyse(file).vector]


def index_of(pieces: Sequence[Piece]) -> NearestNeighbourIndex:
    """Return the index of all pieces; their ids are their numbers."""
    with ProcessPoolExecutor() as pool:
        vectors = np.array(list(pool.map(vector_of, [str(piece.file) for piece in pieces])), np.float32)
    embedding = fit_embedding(vectors)
    points = embedding.embed(vectors)
    return NearestNeighbourIndex.of_points(
        embedding, FEATURE_VERSION, points[:MAX_ANCHORS], np.arange(len(pieces)), points
    )


def measure(index: NearestNeighbourIndex, pieces: Sequence[Piece], pairs: int, count: int) -> dict[str, float]:
    """Return means over random pairs of pieces of different artists; distances are shares of the mean distance."""
    chance = np.random.default_rng(1)
    points = index.points[:]
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    distances /= distances[np.triu_indices(len(pieces), 1)].mean()
    found: dict[str, list[float]] = {}
    numbers = {name: number for number, name in enumerate(sorted({piece.artist for piece in pieces}))}
    artists = {row: frozenset([numbers[piece.artist]]) for row, piece in enumerate(pieces) if piece.artist}

    def note(name: str, rows: Sequence[int]) -> None:
        steps = [float(distances[pair]) for pair in pairwise(rows)]
        same = [pieces[a].artist == pieces[b].artist != "" for a, b in pairwise(rows)]
        for what, value in (("step", statistics.fmean(steps)), ("longest step", max(steps)),
                            ("steps within one artist", statistics.fmean(same))):  # fmt: skip
            found.setdefault(f"{what}, {name}", []).append(value)

    while len(found.get("step, path", ())) < pairs:
        first, last = (int(n) for n in chance.choice(len(pieces), 2, replace=False))
        if pieces[first].artist == pieces[last].artist:
            continue
        note("path", [int(n) for n in path(near_line(index, first, last), artists, first, last, count)[0]])
        others = chance.choice(np.setdiff1d(np.arange(len(pieces)), [first, last]), count - 2, replace=False)
        note("at random", [first, *(int(n) for n in others), last])
    nearest = (distances + np.eye(len(pieces)) * distances.max()).min(axis=1)
    return {**{name: statistics.fmean(values) for name, values in found.items()}, "nearest": float(nearest.mean())}


def main() -> None:
    """Measure, print, and write build/bench/sonic_path.json."""
    packages = {package.name: package for chosen in SETS.values() for package in chosen}
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--packages", nargs="+", choices=list(packages), default=DEFAULT_PACKAGES)
    options.add_argument("--pairs", type=int, default=300)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "soniquebay" / "bench"
    options.add_argument("--cache", type=Path, default=cache)
    given = options.parse_args()
    pieces = [Piece(*found) for name in given.packages for found in files_of(packages[name], given.cache / "packages")]
    index = index_of(pieces)
    results = {count: measure(index, pieces, given.pairs, count) for count in COUNTS}
    artists = len({piece.artist for piece in pieces})
    report.table(
        f"Paths among {len(pieces)} pieces of {artists} artists", ("", *(f"{count} tracks" for count in COUNTS)),
        [(name, *(results[count][name] for count in COUNTS)) for name in results[COUNTS[0]]],
    )  # fmt: skip
    report.save("sonic_path", {"pieces": len(pieces), "pairs": given.pairs, "means": results})


if __name__ == "__main__":
    main()
