"""How well does `similar` find the same artist and the same album, and how fast is the analysis, beside bliss-audio?

    python -m bench.retrieval [--sets tuning held-out] [--form flac] [--cache FOLDER] [--json FILE]

A real SoniqueBay scans the stripped files of each set (bench/corpus.py); the order of neighbours is the one that
`GET /api/tracks/{id}/similar` returns. bliss-audio: its own vectors and Euclidean distance. Mean average precision is
taken over all tracks that have another track of the same artist (album). The same library is compared without the
learned group too. Speed: CPU seconds of one process each, decoding included, file by file in turn, and beside them the
analysis without the learned model. Needs x86-64, Debian's apt-get and redis-server.
"""

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
import numpy as np

from bench.corpus import SETS, Piece, encode, make
from soniquebay.audio import analysis
from soniquebay.audio.analysis import analyse
from soniquebay.audio.feature_schema import LEARNED_VALUES, OLDEST_VERSION, VECTOR_SIZE, VECTOR_SIZES
from soniquebay.audio.learned.network import Heard
from soniquebay.audio.sound_tags import SOUND_TAGS
from soniquebay.library.database import Database
from soniquebay.library.similarity.index import SimilarityIndex
from tests.support.stack import Stack, wait_until

_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1"}
Orders = dict[int, list[int]]  # of each piece, all others, nearest first


def average_precision(order: Sequence[int], relevant: set[int]) -> float:
    """Return the mean of the precision at each relevant item of an order; one that is missing counts as 0."""
    hits, total = 0, 0.0
    for rank, item in enumerate(order, start=1):
        if item in relevant:
            hits += 1
            total += hits / rank
    return total / len(relevant)


def mean_average_precision(orders: Orders, labels: Sequence[str]) -> tuple[float, int]:
    """Return the mean over all pieces that have a companion, and how many these are."""
    values = []
    for piece, order in orders.items():
        relevant = {i for i, label in enumerate(labels) if label and label == labels[piece]} - {piece}
        if relevant:
            values.append(average_precision(order, relevant))
    return statistics.fmean(values), len(values)


def our_orders(pieces: Sequence[Piece], work: Path) -> tuple[Orders, Orders]:
    """Return the orders that the API answers after a scan, and those of the same vectors without the learned group."""
    music = work / "music"
    music.mkdir()
    for piece in pieces:
        shutil.copyfile(piece.file, music / piece.file.name)
    stack = Stack(music, work / "data")
    try:
        session = httpx.post(f"{stack.url}/api/scan").raise_for_status().json()["session_id"]
        wait_until(lambda: _analysed(stack, session), 60.0 * len(pieces))
        tracks = _tracks(stack)
        numbers = {piece.file.name: i for i, piece in enumerate(pieces)}
        number = {track["id"]: numbers[Path(track["path"]).name] for track in tracks}
        missing = [track["path"] for track in tracks if not track["has_vector"]]
        if missing or len(number) != len(pieces):
            raise SystemExit(f"not every piece has a vector: {missing or len(number)}")
        answered = {
            number[track]: [
                number[item["id"]] for item in stack.get(f"/api/tracks/{track}/similar", limit=500)["items"]
            ]
            for track in number
        }
    finally:
        stack.stop()
    return answered, _orders_without_learned(work / "data" / "library.db", number)


def _orders_without_learned(library: Path, number: dict[int, int]) -> Orders:
    """Return the orders of a library whose vectors become those of the release before."""
    database = Database(library)
    with database.transaction() as db:
        size = VECTOR_SIZES[OLDEST_VERSION]
        assert VECTOR_SIZE - size == LEARNED_VALUES
        db.execute("UPDATE vectors SET version = ?, data = substr(data, 1, ?)", (OLDEST_VERSION, 4 * size))
    index = SimilarityIndex(database.reader)
    found = {track: index.nearest(database.reader(), track, len(number)) for track in number}
    return {number[track]: [number[other] for other, _ in nearest or ()] for track, nearest in found.items()}


def _analysed(stack: Stack, session: int) -> bool:
    time.sleep(0.5)
    state = stack.get(f"/api/scan-sessions/{session}")
    have = state["library"]
    return state["status"] == "completed" and have["vectors"] + have["vector_failures"] == have["tracks"]


def _tracks(stack: Stack) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while page := stack.get("/api/tracks", limit=500, offset=len(found))["items"]:
        found += page
    return found


def bliss_vector(file: Path) -> list[float]:
    from bliss_audio import Song  # late: the API's half needs none of it

    return list(Song(str(file)).analysis)


def bliss_orders(pieces: Sequence[Piece]) -> Orders:
    """Return the orders by Euclidean distance of bliss-audio's vectors."""
    with ProcessPoolExecutor() as pool:
        vectors = np.array(list(pool.map(bliss_vector, [piece.file for piece in pieces])))
    orders = {}
    for i, vector in enumerate(vectors):
        order = np.argsort(np.linalg.norm(vectors - vector, axis=1), kind="stable")
        orders[i] = [int(j) for j in order if j != i]
    return orders


def speed(pieces: Sequence[Piece], count: int, work: Path) -> dict[str, dict[str, float]]:
    """Return CPU seconds a track of both, as FLAC and as MP3, over `count` pieces spread over the set."""
    result = {}
    chosen = pieces[:: max(1, len(pieces) // count)][:count]
    for form in ("flac", "mp3"):
        files = [work / f"{i}.{form}" for i in range(len(chosen))]
        for piece, file in zip(chosen, files, strict=True):
            encode(piece.file, file, form)
        analyse(str(files[0]))  # tables and libraries are loaded
        bliss_vector(files[0])
        ours, without, theirs = [], [], []
        for file in files:
            ours.append(_cpu(lambda file=file: analyse(str(file))))
            with _no_learned_model():
                without.append(_cpu(lambda file=file: analyse(str(file))))
            theirs.append(_cpu(lambda file=file: bliss_vector(file)))
        result[form] = {
            "soniquebay": statistics.fmean(ours),
            "without_learned": statistics.fmean(without),
            "bliss": statistics.fmean(theirs),
            "ratio": sum(ours) / sum(theirs),
            "ratio_to_without": sum(ours) / sum(without),
        }
    return result


@contextmanager
def _no_learned_model() -> Iterator[None]:
    """Have the analysis leave the learned model out."""
    heard = Heard(np.zeros(LEARNED_VALUES, np.float32), np.zeros(len(SOUND_TAGS), np.float32))
    with patch.object(analysis.log_mel, "patches"), patch.object(analysis.network, "hear", return_value=heard):
        yield


def _cpu(work: Any) -> float:
    before = time.process_time()
    work()
    return time.process_time() - before


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--form", choices=("flac", "mp3"), default="flac", help="what all files are encoded to")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "soniquebay" / "bench"
    parser.add_argument("--cache", type=Path, default=cache, help="where packages and encoded files are kept")
    parser.add_argument("--speed", type=int, default=20, help="how many files are timed")
    parser.add_argument("--json", type=Path, default=Path("dist/bench-retrieval.json"))
    arguments = parser.parse_args()
    if any(os.environ.get(name) != "1" for name in _ONE_THREAD):
        # Read when numpy is loaded, which is by now: one thread, as on the appliance.
        os.execve(  # noqa: S606
            sys.executable, [sys.executable, "-m", "bench.retrieval", *sys.argv[1:]], os.environ | _ONE_THREAD
        )
    report: dict[str, Any] = {"form": arguments.form, "sets": {}}
    heads = ("SoniqueBay", "unlearned", "ratio", "bliss", "ratio")
    columns = "{:>11} {:>9} {:>6} {:>7} {:>6}".format(*heads)
    print(f"{'set':10} {'same':7} {'tracks':>7} {columns}")
    for chosen in arguments.sets:
        pieces = make(chosen, arguments.cache, arguments.form)
        with tempfile.TemporaryDirectory(dir=arguments.cache) as folder:
            (ours, without), theirs = our_orders(pieces, Path(folder)), bliss_orders(pieces)
        rows = report["sets"].setdefault(chosen, {"pieces": len(pieces)})
        for kind in ("artist", "album"):
            labels = [getattr(piece, kind) for piece in pieces]
            (mine, count), (less, _), (other, _) = (mean_average_precision(o, labels) for o in (ours, without, theirs))
            rows[kind] = {
                "queries": count,
                "soniquebay": mine,
                "without_learned": less,
                "ratio_to_without": mine / less,
                "bliss": other,
                "ratio": mine / other,
            }
            print(
                f"{chosen:10} {kind:7} {count:7} {mine:11.4f} {less:9.4f} {mine / less:6.2f} {other:7.4f} "
                f"{mine / other:6.2f}",
                flush=True,
            )
    with tempfile.TemporaryDirectory(dir=arguments.cache) as folder:
        pieces = make(arguments.sets[0], arguments.cache, arguments.form)
        report["speed"] = speed(pieces, arguments.speed, Path(folder))
    print(f"\n{'CPU seconds a track':20} {columns}")
    for form, row in report["speed"].items():
        print(
            f"{form:20} {row['soniquebay']:11.3f} {row['without_learned']:9.3f} {row['ratio_to_without']:6.2f} "
            f"{row['bliss']:7.3f} {row['ratio']:6.2f}"
        )
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(report, indent=1) + "\n")
    print(f"\nwritten: {arguments.json}")


if __name__ == "__main__":
    sys.exit(main())
