"""How long search, and pages of tracks, albums and artists, take over HTTP: `make bench-search`."""

import argparse
import http.client
import json
import random
import statistics
import time
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from urllib.parse import urlencode

from bench import report
from bench.library import Expected
from bench.names import COMMON, GENRES, Track
from bench.running import scanned

WANTED = 20.0  # ms, of a search


def queries(tracks: Sequence[Expected | Track], each: int) -> dict[str, list[str]]:
    """Return questions by kind, as people type them: words of titles and artists that are there."""
    rng = random.Random(7)  # noqa: S311
    texts = [f"{track.title} {track.artist} {track.album}" for track in tracks]
    count = Counter(word for text in texts for word in set(text.lower().split()))
    words = [word for word in count if len(word) > 3]
    rare = [word for word in words if count[word] <= 30]
    accented = [word for word in words if _plain(word) not in {word, ""}]
    some = rng.sample(tracks, each)
    return {
        "one word": [max(track.title.split(), key=len) for track in some],
        "two words": [f"{track.artist.split()[0]} {track.title.split()[-1]}" for track in some],
        "whole title": [track.title for track in some],
        "beginning, 3 letters": [word[:3] for word in rng.sample(words, each)],
        "beginning, 1 letter": list("abcdefghiklmnoprstuvw"),
        "rare word": rng.sample(rare, min(each, len(rare))),
        "very common word": list(COMMON),
        "two common words": [" ".join(rng.sample(COMMON, 2)) for _ in range(each)],
        "common word and a beginning": [f"the {word[:2]}" for word in rng.sample(words, each)],
        "without accents": [_plain(word) for word in rng.sample(accented, min(each, len(accented)))],
        "part of a Japanese word": ["夜の", "の歌", "歌", "京", "東", "海"],
        "genre": [genre.lower() for genre in GENRES],
        "file": [f"{number:02} {track.title}.flac" for number, track in enumerate(some)],
        "one error": [_mistyped(rng, max(track.title.split(), key=len)) for track in some],
        "two errors": [_mistyped(rng, _mistyped(rng, word)) for word in rng.sample(words, each)],
        "an error in each of two words": [
            " ".join(_mistyped(rng, word) for word in (track.artist.split()[0], track.title.split()[-1]))
            for track in some
        ],
        "200 characters": [" ".join(rng.sample(words, 40))[:200] for _ in range(each)]
        + ["abcdefghij" * 20, "a b c d e f g h i j " * 10, "!?" * 100, "a/b!" * 50, "夜の歌東京" * 40],
        "nothing found": [f"{word}xq" for word in rng.sample(words, each)],
    }


def _plain(word: str) -> str:
    return unicodedata.normalize("NFKD", word).encode("ascii", "ignore").decode()


def _mistyped(rng: random.Random, word: str) -> str:
    i, letter = rng.randrange(len(word)), rng.choice("aeioustnr")
    return (
        rng.choice((word[:i] + word[i + 1 :], word[:i] + letter + word[i:], word[:i] + letter + word[i + 1 :])) or word
    )


def searches(tracks: Sequence[Expected], each: int) -> dict[str, list[str]]:
    """Return requests by kind of question, and the common ones for the other kinds of items."""
    asked = queries(tracks, each)
    found = {f"search: {kind}": [_url("search", q=text) for text in texts] for kind, texts in asked.items()}
    for kind in ("album", "artist", "genre"):
        for question in ("one word", "very common word", "one error"):
            texts = asked[question]
            found[f"search of the {kind}s: {question}"] = [_url("search", q=text, type=kind) for text in texts]
    for question in ("one word", "very common word", "one error"):
        found[f"search of all: {question}"] = [_url("search/all", q=text) for text in asked[question]]
    return found


def pages(totals: dict[str, int], ids: dict[str, list[int]]) -> dict[str, list[str]]:
    """Return requests for the first, the middle and the last page of each list, and of one album or artist."""
    found: dict[str, list[str]] = {}
    for kind, total in totals.items():
        for place, offset in (("first", 0), ("middle", total // 2), ("last", max(0, total - 50))):
            found[f"{kind}: {place} page"] = [_url(kind, limit=50, offset=offset)] * 20
    found["tracks: page of 500"] = [_url("tracks", limit=500, offset=offset) for offset in range(0, 10_000, 500)]
    found["tracks: of an album"] = [_url("tracks", album_id=i) for i in ids["albums"]]
    found["tracks: of an artist"] = [_url("tracks", artist_id=i) for i in ids["artists"]]
    found["albums: of an artist"] = [_url("albums", artist_id=i) for i in ids["artists"]]
    found["one track"] = [f"/api/tracks/{i}" for i in ids["tracks"]]
    return found


def _url(name: str, **parameters: object) -> str:
    return f"/api/{name}?{urlencode(parameters)}"


class Client:
    """One kept connection, as a browser has."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def fresh(self, url: str) -> tuple[float, bytes]:
        """Do the same on a new connection, and keep that one."""
        self._connection.close()  # the next request opens it again
        return self.get(url)

    def get(self, url: str) -> tuple[float, bytes]:
        """Return the time to the answer's last byte, ms, and the answer; raises ``AssertionError`` unless 200."""
        began = time.perf_counter()
        self._connection.request("GET", url)
        response = self._connection.getresponse()
        body = response.read()
        taken = 1000 * (time.perf_counter() - began)
        assert response.status == 200, f"{url}: {response.status} {body[:200]!r}"
        return taken, body


def measure(client: Client, requests: dict[str, list[str]]) -> Iterator[tuple[str, list[float]]]:
    """Yield the times, ms, of each kind; the kinds take turns, so that a noisy moment hits all alike."""
    times: dict[str, list[float]] = {kind: [] for kind in requests}
    for turn in range(max(map(len, requests.values()))):
        for kind, urls in requests.items():
            if turn < len(urls):
                times[kind].append(client.get(urls[turn])[0])
    yield from times.items()


def main() -> None:
    """Measure, print, and write build/bench/search.json."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--files", type=int, default=100_000)
    options.add_argument("--each", type=int, default=100, help="requests of a kind")
    chosen = options.parse_args()
    with scanned(chosen.files) as (stack, lib):
        client = Client(stack.port)
        first, _ = client.get(_url("search", q="love"))
        totals, ids = {}, {}
        for kind in ("tracks", "albums", "artists"):
            page = json.loads(client.get(_url(kind, limit=500))[1])
            totals[kind] = page["total"]
            ids[kind] = [item["id"] for item in page["items"]][: chosen.each]
        assert totals["tracks"] == chosen.files
        results = dict(measure(client, {**searches(lib.tracks, chosen.each), **pages(totals, ids)}))
        results["one track, a new connection each"] = [client.fresh(f"/api/tracks/{i}")[0] for i in ids["tracks"]]
    rows = [(kind, len(t), statistics.median(t), _p95(t), max(t)) for kind, t in results.items()]
    report.table(f"Answers over HTTP at {chosen.files} tracks", ("", "requests", "median ms", "p95 ms", "max ms"), rows)
    slow = [kind for kind, times in results.items() if kind.startswith("search") and _p95(times) > WANTED]
    report.say(
        f"first search after the start: {first:.1f} ms; searches whose p95 is over {WANTED:.0f} ms: {slow or 'none'}"
    )
    kinds = {kind: {"requests": n, "median_ms": m, "p95_ms": p, "max_ms": top} for kind, n, m, p, top in rows}
    report.save("search", {"files": chosen.files, "first_search_ms": first, "kinds": kinds})


def _p95(times: list[float]) -> float:
    return sorted(times)[int(0.95 * (len(times) - 1) + 0.5)]


if __name__ == "__main__":
    main()
