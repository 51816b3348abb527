"""How long answers of the OpenSubsonic API take at the API itself: `make bench-opensubsonic`.

The library is that of `bench.browse`, with tags of every file. The requests go through the whole application, without
a network; the time is that of the processor, with the client that sends them.
"""

import argparse
import gc
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from bench import browse, report
from soniquebay.api.public import public_app
from soniquebay.api.server import make_services
from soniquebay.audio.picture_format import THUMBNAIL_SIZES_PIXELS
from soniquebay.library import covers
from soniquebay.library.search import index
from soniquebay.listeners import app_passwords
from soniquebay.settings import from_environment

REPEATS = 7
WANTED_MS = {"getAlbumList2 of 500": 60.0, "search3 of 500 each": 80.0, "getCoverArt, thumbnail": 5.0}
_TAGS = {
    "title": "A title", "artist": "An artist", "album": "An album", "composer": "A composer", "isrc": "GBAYE0000001",
    "comment": "A comment", "label": "A label", "replaygain_track_gain": "-6.50 dB", "mood": ["calm", "slow"],
}  # fmt: skip
_SOUND = {"codec": "FLAC", "bit_rate": 900_000, "sample_rate": 44_100, "channels": 2, "bit_depth": 16}


def main() -> None:
    """Make the library, measure, print, and write build/bench/opensubsonic.json."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--tracks", type=int, default=100_000)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = measure(Path(folder), chosen.tracks)
    report.table(
        f"OpenSubsonic at {chosen.tracks} tracks, ms", ("", "median", "slowest", "wanted"),
        [(name, median, slowest, WANTED_MS.get(name, 0.0)) for name, (median, slowest) in results.items()],
    )  # fmt: skip
    report.save("opensubsonic", {"tracks": chosen.tracks, "ms": results})


def measure(folder: Path, tracks: int) -> dict[str, tuple[float, float]]:
    """Return median and slowest time (ms) of each kind of request."""
    settings = from_environment(
        {"SONIQUEBAY_DATA": str(folder), "SONIQUEBAY_CLAIM_FOLDER": str(folder), "SONIQUEBAY_MUSIC": "/music"}
    )
    services = make_services(settings)
    data = b"\xff\xd8\xff\xe0 a picture"
    digest = covers.digest_of(data)
    covers.write_picture(settings.covers, digest, data)
    for size in THUMBNAIL_SIZES_PIXELS:
        covers.write_picture(settings.covers, digest, data, size)
    with services.database.transaction() as db:
        browse.make(db, tracks)
        db.execute(
            "INSERT INTO file_tags (track_id, tags, sound) SELECT id, ?, ? FROM tracks",
            (json.dumps(_TAGS), json.dumps(_SOUND)),
        )
        db.execute("UPDATE albums SET cover_sha256 = ?, cover_media_type = 'image/jpeg', cover_checked = 1", (digest,))
        db.execute("UPDATE tracks SET path = '/music/' || artist_id || '/' || album_id || '/' || id || '.flac'")
        index.reindex(db, range(1, tracks + 1))
    services.accounts.make_owner("Ada", "correct horse")
    with services.accounts.change() as db:
        _, password = app_passwords.make(db, services.accounts.key, 1, "bench", "listen")
    http = TestClient(public_app(services), "http://localhost")
    gc.collect()
    gc.freeze()  # as the API does

    def ask(method: str, **parameters: Any) -> Callable[[], bytes]:
        given = {"u": "Ada", "p": password, "c": "bench", "v": "1.16.1", "f": "json", **parameters}

        def request() -> bytes:
            answer = http.get(f"/rest/{method}", params=given)
            assert answer.status_code == 200 and b'"failed"' not in answer.content[:200], answer.text[:300]
            return answer.content

        return request

    half = tracks // 2
    everything = {f"{kind}Count": 500 for kind in ("artist", "album", "song")}
    album = json.loads(ask("getAlbum", id="al-7")())["subsonic-response"]["album"]
    return {
        "ping": timed(ask("ping")),
        "getAlbumList2 of 500": timed(ask("getAlbumList2", type="newest", size=500)),
        "the same in XML": timed(ask("getAlbumList2", type="newest", size=500, f="xml")),
        "getAlbumList2 of 500, in the middle": timed(
            ask("getAlbumList2", type="alphabeticalByName", size=500, offset=half // 10)
        ),
        "search3 of 500 each": timed(ask("search3", query="", **everything)),
        "the same, by a word": timed(ask("search3", query="a", **everything)),
        "search3 of 500 songs, in the middle": timed(
            ask("search3", query="", songCount=500, songOffset=half, artistCount=0, albumCount=0)
        ),
        "getAlbum": timed(ask("getAlbum", id="al-7")),
        "getArtists": timed(ask("getArtists")),
        "getIndexes": timed(ask("getIndexes")),
        "getCoverArt, thumbnail": timed(ask("getCoverArt", id=album["coverArt"], size=THUMBNAIL_SIZES_PIXELS[0])),
    }


def timed(request: Callable[[], bytes]) -> tuple[float, float]:
    """Return the median and the slowest time of some repetitions, in ms, after one that does not count."""
    request()
    times = []
    for _ in range(REPEATS):
        began = time.process_time()
        request()
        times.append(1000 * (time.process_time() - began))
    return round(statistics.median(times), 1), round(max(times), 1)


if __name__ == "__main__":
    main()
