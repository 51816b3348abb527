"""How well are files of one recording told from near misses, and how long does that take in a large library?

    python -m bench.duplicates [--music FOLDER] [--pieces 30] [--keep FOLDER] [--tracks 100000]

Each piece of real music is written in the formats and the near misses of `bench/recordings.py`, and all of them are
compared as the worker does. Without `--music` the music is that of Debian's package wesnoth-1.16-music, fetched by
apt-get. Then a library of synthetic vectors is compared, one track in fifty a copy of another. Processor time of one
thread; memory by tracemalloc.
"""

import argparse
import os
import tempfile
import time
import tracemalloc
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from itertools import combinations
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy; as in the worker
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import mutagen
import numpy as np

from bench import report
from bench.corpus import unpacked
from bench.recordings import DOUBTFUL, NEAR, SAME, make
from bench.similar import fill
from soniquebay.audio.analysis import Analysis, analyse
from soniquebay.audio.feature_schema import ACOUSTIC_FINGERPRINT_HEADER
from soniquebay.library.database import Database
from soniquebay.library.similarity.recordings import Sounds, load_sounds, points_of

_PACKAGE = "wesnoth-1.16-music"
_OTHER = 7  # pieces between a piece and the one that is mixed into it
_MIN_SECONDS = 45.0  # of a piece
_COPIES = 50  # one track in so many is a copy
_SUFFIXES = {".ogg", ".mp3", ".flac", ".opus"}
Analysed = dict[str, tuple[Analysis, float]]  # by the name of a variant, with the length in seconds


def pieces_of(folder: Path, count: int) -> list[Path]:
    """Return files of music that are long enough."""
    found = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in _SUFFIXES and path.is_file()]
    long = [path for path in found if (audio := mutagen.File(path)) and audio.info.length >= _MIN_SECONDS]
    return long[:: max(1, len(long) // count)][:count]


def variants_of(piece: Path, other: Path, folder: Path, name: str) -> Analysed:
    """Write the variants of a piece and analyse them."""
    made = make(piece, other, folder, name)
    return {variant: (analyse(str(path)), mutagen.File(path).info.length) for variant, path in made.items()}


def quality(pieces: list[Path], folder: Path) -> tuple[list[list[object]], dict[str, float]]:
    """Return how many pieces have each variant in the group of their FLAC file; precision and recall of all pairs."""
    others = [pieces[(i + _OTHER) % len(pieces)] for i in range(len(pieces))]
    names = [f"{i:03}" for i in range(len(pieces))]
    with ProcessPoolExecutor() as pool:
        found = list(pool.map(variants_of, pieces, others, [folder] * len(pieces), names))
    files = [(piece, variant) for piece, variants in enumerate(found) for variant in variants]
    known = {(piece, variant): found[piece][variant] for piece, variant in files}
    files.sort(key=lambda file: known[file][1])
    sounds = Sounds(
        np.arange(len(files)),
        np.array([known[file][1] for file in files]),
        points_of(np.stack([known[file][0].vector for file in files])),
        lambda number: known[files[number]][0].acoustic_fingerprint,
    )
    group_of = {files[i]: number for number, group in enumerate(sounds.groups()) for i in group}
    same = {variant.name for variant in SAME}
    rows: list[list[object]] = []
    for variant in (*SAME, *DOUBTFUL, *NEAR):
        hits = sum(_is_together(group_of, (i, variant.name), (i, SAME[0].name)) for i in range(len(pieces)))
        kind = "same" if variant in SAME else "doubtful" if variant in DOUBTFUL else "near miss"
        rows.append([variant.name, kind, f"{hits} of {len(pieces)}"])
    counts: Counter[tuple[bool, bool]] = Counter()
    across = 0
    doubtful = {variant.name for variant in DOUBTFUL}
    for one, other in combinations([file for file in files if file[1] not in doubtful], 2):
        if one[0] == other[0] and not {one[1], other[1]} & same:
            continue  # of two near misses of a piece nobody says whether they are one recording
        is_same = one[0] == other[0] and {one[1], other[1]} <= same
        together = _is_together(group_of, one, other)
        counts[is_same, together] += 1
        across += together and one[0] != other[0]
    right, wrong, missed = counts[True, True], counts[False, True], counts[True, False]
    return rows, {
        "precision": right / max(1, right + wrong),
        "recall": right / max(1, right + missed),
        "pairs of different pieces": across,
    }


def _is_together(group_of: dict[tuple[int, str], int], one: tuple[int, str], other: tuple[int, str]) -> bool:
    return one == other or (one in group_of and group_of.get(one) == group_of.get(other))


def speed(tracks: int, folder: Path) -> list[list[object]]:
    """Return CPU seconds to read and to compare a library, the groups that are found, and the peak of memory."""
    path = folder / "library.db"
    fill(path, tracks)
    chance = np.random.default_rng(1)
    lengths = np.exp(chance.normal(np.log(230), 0.35, tracks)).round(2)
    segment = 61
    with Database(path).transaction() as db:
        for i in range(1, tracks + 1):
            steps = chance.integers(256, size=(5, segment), dtype=np.uint8)
            starts = [lengths[i - 1] * (n + 0.5) / 5 - 3 for n in range(5)]
            data = b"".join(
                ACOUSTIC_FINGERPRINT_HEADER.pack(s, segment) + row.tobytes()
                for s, row in zip(starts, steps, strict=True)
            )
            db.execute("UPDATE tracks SET duration = ? WHERE id = ?", (lengths[i - 1], i))
            db.execute("INSERT INTO acoustic_fingerprints (track_id, data) VALUES (?, ?)", (i, data))
        for copy in range(_COPIES, tracks + 1, _COPIES):
            of = copy - 1
            for table, columns in (("vectors", "data"), ("acoustic_fingerprints", "data"), ("tracks", "duration")):
                key = "id" if table == "tracks" else "track_id"
                db.execute(
                    f"UPDATE {table} SET {columns} = (SELECT {columns} FROM {table} WHERE {key} = ?) WHERE {key} = ?",
                    (of, copy),
                )
    reader = Database(path).reader()
    started = time.process_time()
    sounds = load_sounds(reader)
    read = time.process_time() - started
    started = time.process_time()
    groups = sounds.groups()
    compared = time.process_time() - started
    tracemalloc.start()
    load_sounds(reader).groups()
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return [
        ["tracks", tracks],
        ["groups, of", f"{len(groups)}, {tracks // _COPIES}"],
        ["read, CPU s", read],
        ["compared, CPU s", compared],
        ["peak, MB", peak],
    ]


def main() -> None:
    """Measure, print, and write build/bench/duplicates.json."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "soniquebay" / "bench"
    parser.add_argument("--music", type=Path)
    parser.add_argument("--pieces", type=int, default=30)
    parser.add_argument("--keep", type=Path, help="where the files that are made stay for another run")
    parser.add_argument("--tracks", type=int, default=100_000)
    options = parser.parse_args()
    pieces = pieces_of(options.music or unpacked(_PACKAGE, cache / "packages"), options.pieces)
    with tempfile.TemporaryDirectory() as folder:
        rows, shares = quality(pieces, options.keep or Path(folder))
    report.table("In the group of its FLAC file", ("variant", "kind", "pieces"), rows)
    report.table("All pairs", ("", ""), list(shares.items()))
    with tempfile.TemporaryDirectory() as folder:
        times = speed(options.tracks, Path(folder))
    report.table("A large library", ("", ""), times)
    report.save("duplicates", {"variants": rows, **shares, "library": times})


if __name__ == "__main__":
    main()
