"""What a library of 100,000 or 1,000,000 tracks costs whoever waits for it: `make bench-large`.

    python -m bench.large [--tracks 100000 1000000] [--folder FOLDER] [--repeats 7]

The rows are inserted by the functions of a scan, without files (bench/large_library.py). The real programs then run on
them. Each question is asked over HTTP several times: its first answer and the median of the others count, beside the
processor time of the API. The map, which the worker makes meanwhile, is not waited for. Then a drive with 200,000
tracks is unplugged, or a fifth of a smaller library: what `reconcile` does in the API, by steps. The database of a
million tracks has 4 GB.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from bench import large_library, report
from bench.similar import cpu, memory
from soniquebay.backup import copying
from soniquebay.library import reconcile, sessions
from soniquebay.library.database import Database
from tests.support.stack import Stack, wait_until

UNPLUGGED = 200_000
START_SECONDS = 600
WANTED_MS = 100.0
Row = tuple[str, float, float, float]  # question; ms of its first answer, of the others, of the API's processor


def paths(client: httpx.Client, root: str) -> dict[str, str]:
    """Return what is asked, by name; pages in the middle of a list are those of half of its tracks' years."""
    track = client.get("/api/tracks", params={"limit": 1, "sort": "random", "seed": 3}).json()["items"][0]
    following = {
        name: client.get(f"/api/{name}", params={"limit": 50}).json()["next"]
        for name in ("tracks", "albums", "artists")
    }
    asked = {
        "totals and progress": "/api/scan-sessions/1", "lookups that are due": "/api/online", "health": "/api/health",
        "a track": f"/api/tracks/{track['id']}", "an album": f"/api/albums/{track['album_id']}",
        "an artist": f"/api/artists/{track['artist_id']}", "genres": "/api/genres",
        "albums, recently added": "/api/albums?sort=added&order=desc",
        "albums by chance": "/api/albums?sort=random&seed=4",
        "tracks by title": "/api/tracks?sort=title", "tracks of ten years": "/api/tracks?year_from=1990&year_to=1999",
        "why a file is not here": f"/api/missing?path={root}/none.flac",
        "search: a title": f"/api/search/all?q={track['title']}", "search: a beginning": "/api/search/all?q=ri",
        "search: a common word": "/api/search/all?q=love", "search: one error": "/api/search/all?q=rivr%20drem",
        "similar": f"/api/tracks/{track['id']}/similar", "radio": f"/api/radio?track_id={track['id']}",
        "similar albums": f"/api/albums?sort=similar&similar_to={track['album_id']}",
        "folders": "/api/folders", "map: its state": "/api/map/state",
        "OpenSubsonic: 500 albums": "/rest/getAlbumList2?type=newest&size=500&f=json&c=bench&v=1.16.1",
        "OpenSubsonic: all, 500 each":
            "/rest/search3?query=&artistCount=500&albumCount=500&songCount=500&f=json&c=bench&v=1.16.1",
    }  # fmt: skip
    return asked | {f"{name}, second page": f"/api/{name}?cursor={cursor}" for name, cursor in following.items()}


def ask(stack: Stack, client: httpx.Client, path: str, repeats: int) -> tuple[float, float, float]:
    """Return ms: of the first answer, the median of the others, and the API's processor time of one."""
    times = []
    spent = cpu(stack)
    for _ in range(repeats + 1):
        began = time.perf_counter()
        answer = client.get(path)
        times.append(1000 * (time.perf_counter() - began))
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:300]}"
    return times[0], statistics.median(times[1:]), 1000 * (cpu(stack) - spent) / len(times)


def unplug(database: Database, root: str, tracks: int) -> dict[str, float]:
    """Have a scan of everything miss the files of `tracks` tracks; return CPU seconds, and ms of the steps."""
    with database.transaction() as db:
        session_id = sessions.start(db)
        rows = db.execute("SELECT path FROM tracks WHERE missing_since IS NULL ORDER BY id LIMIT ?", (tracks,))
        reconcile.add_unseen(db, session_id, {root: [row["path"] for row in rows.fetchall()]})
        reconcile.protect_empty_roots(db, session_id, {root: 1})
    steps: list[float] = []
    more = True
    while more:
        began = time.thread_time()
        with database.transaction() as db:
            more = reconcile.reconcile_unseen(db, session_id, {root: 1})
        steps.append(time.thread_time() - began)
    steps.pop()  # it found nothing left
    (left,) = database.reader().execute("SELECT count(*) FROM tracks WHERE missing_since IS NOT NULL").fetchone()
    assert left == tracks, f"{left} tracks are missing of {tracks}"
    tenth = max(1, len(steps) // 10)
    return {
        "unplugged_cpu_seconds": sum(steps),
        "step_ms": 1000 * statistics.median(steps),
        "slowest_step_ms": 1000 * max(steps),
        "last_tenth_over_first": sum(steps[-tenth:]) / sum(steps[:tenth]),
    }


def seconds_of(action: Callable[[], Any]) -> float:
    """Return the processor seconds of an action in this thread."""
    began = time.thread_time()
    action()
    return time.thread_time() - began


def measure(tracks: int, folder: Path, repeats: int) -> dict[str, Any]:
    """Make a library, ask, and return what was measured."""
    music, data = folder / "music", folder / "data"
    music.mkdir()
    (music / "a file, so that this is a folder of music").touch()
    data.mkdir()
    path = data / "library.db"
    database = Database(path)
    database.migrate()
    insertion = large_library.make(database, music, tracks)
    found: dict[str, Any] = {"tracks": tracks, "insertion_us": 1e6 * insertion / tracks}
    backup = seconds_of(lambda: copying.copy(path, folder / "copy.db"))
    check = seconds_of(lambda: copying.problems_of(folder / "copy.db"))
    found["bytes_a_track"] = (folder / "copy.db").stat().st_size / tracks
    (folder / "copy.db").unlink()
    found["backup_cpu_seconds"], found["check_cpu_seconds"] = backup, check
    began = time.perf_counter()
    stack = Stack(music, data, SONIQUEBAY_LOUDNESS="off")
    try:
        found["start_seconds"] = time.perf_counter() - began
        with httpx.Client(base_url=stack.url, timeout=START_SECONDS) as client:
            wait_until(lambda: client.get("/api/tracks/1/similar").status_code == 200, START_SECONDS)
            found["similar_after_seconds"] = time.perf_counter() - began
            rows: list[Row] = [
                (name, *ask(stack, client, asked, repeats)) for name, asked in paths(client, str(music)).items()
            ]
        found["api_mb"] = memory(stack)
    finally:
        stack.stop()
    found["questions"] = {name: {"first_ms": first, "ms": ms, "cpu_ms": used} for name, first, ms, used in rows}
    database = Database(path)
    found["unplugged"] = unplug(database, str(music), min(UNPLUGGED, tracks // 5))
    report.table(f"{tracks} tracks, ms", ("", "first", "then", "processor"), rows)
    slow = [name for name, _, ms, _ in rows if ms > WANTED_MS]
    report.say(f"over {WANTED_MS:.0f} ms: {slow or 'none'}")
    figures = {name: value for name, value in found.items() if isinstance(value, float)} | found["unplugged"]
    report.table("The library", ("", ""), list(figures.items()))
    return found


def main() -> None:
    """Measure each size, print, and write build/bench/large.json."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--tracks", type=int, nargs="+", default=[100_000, 1_000_000])
    options.add_argument("--folder", type=Path, help="for the databases, 5 kB a track and their copy")
    options.add_argument("--repeats", type=int, default=7)
    chosen = options.parse_args()
    sizes = []
    for tracks in chosen.tracks:
        with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
            sizes.append(measure(tracks, Path(folder), chosen.repeats))
    report.save("large", {"sizes": sizes})


if __name__ == "__main__":
    main()
