"""How long answers of the OpenSubsonic API take at the API itself: `make bench-opensubsonic`.

The library is that of `bench.browse`, with tags of every file. The requests go through the whole application, without
a server and a network; the time is that of the processor.
"""

import argparse
import asyncio
import gc
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from starlette.types import Message

from bench import browse, report
from soniquebay.api.public import public_app
from soniquebay.api.server import make_services
from soniquebay.audio.picture_format import THUMBNAIL_SIZES_PIXELS
from soniquebay.library import covers
from soniquebay.library.search import index
from soniquebay.listeners import app_passwords
from soniquebay.settings import from_environment

REPEATS = 7
WORD = "Love"  # all titles and names have it, for what a search by words costs at most
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
        # In one task: its worker threads, with their connections, stay as in the API.
        results = asyncio.run(measure(Path(folder), chosen.tracks))
    report.table(
        f"OpenSubsonic at {chosen.tracks} tracks, ms", ("", "median", "slowest", "wanted"),
        [(name, median, slowest, WANTED_MS.get(name, 0.0)) for name, (median, slowest) in results.items()],
    )  # fmt: skip
    report.save("opensubsonic", {"tracks": chosen.tracks, "ms": results})


async def measure(folder: Path, tracks: int) -> dict[str, tuple[float, float]]:
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
        for table, column in (("artists", "name"), ("albums", "title"), ("tracks", "title")):
            db.execute(f"UPDATE {table} SET {column} = '{WORD} ' || {column}")
        index.reindex(db, range(1, tracks + 1))
    services.accounts.make_owner("Ada", "correct horse")
    with services.accounts.change() as db:
        _, password = app_passwords.make(db, services.accounts.key, 1, "bench", "listen")
    app = public_app(services)
    gc.collect()
    gc.freeze()  # as the API does

    def ask(method: str, **parameters: Any) -> Callable[[], Awaitable[bytes]]:
        given = {"u": "Ada", "p": password, "c": "bench", "v": "1.16.1", "f": "json", **parameters}
        scope = {
            "type": "http", "method": "GET", "path": f"/rest/{method}", "query_string": urlencode(given).encode(),
            "headers": [(b"host", b"localhost")], "client": ("127.0.0.1", 1), "scheme": "http", "http_version": "1.1",
        }  # fmt: skip

        async def receive() -> Message:
            await asyncio.sleep(3600)
            return {"type": "http.disconnect"}

        async def request() -> bytes:
            body: list[bytes] = []

            async def send(message: Message) -> None:
                body.append(message.get("body", b""))
                assert message.get("status", 200) == 200, message

            await app(dict(scope), receive, send)
            answer = b"".join(body)
            assert answer and b'"failed"' not in answer[:200], answer[:300]
            return answer

        return request

    half = tracks // 2
    everything = {f"{kind}Count": 500 for kind in ("artist", "album", "song")}
    by_word = json.loads(await ask("search3", query=WORD, **everything)())["subsonic-response"]["searchResult3"]
    assert {kind: len(found) for kind, found in by_word.items()} == dict.fromkeys(("artist", "album", "song"), 500)
    album = json.loads(await ask("getAlbum", id="al-7")())["subsonic-response"]["album"]
    return {
        "ping": await timed(ask("ping")),
        "getAlbumList2 of 500": await timed(ask("getAlbumList2", type="newest", size=500)),
        "the same in XML": await timed(ask("getAlbumList2", type="newest", size=500, f="xml")),
        "getAlbumList2 of 500, in the middle": await timed(
            ask("getAlbumList2", type="alphabeticalByName", size=500, offset=half // 10)
        ),
        "search3 of 500 each": await timed(ask("search3", query="", **everything)),
        "the same, by a word that all have": await timed(ask("search3", query=WORD, **everything)),
        "search3 of 500 songs, in the middle": await timed(
            ask("search3", query="", songCount=500, songOffset=half, artistCount=0, albumCount=0)
        ),
        "getAlbum": await timed(ask("getAlbum", id="al-7")),
        "getArtists": await timed(ask("getArtists")),
        "getIndexes": await timed(ask("getIndexes")),
        "getCoverArt, thumbnail": await timed(ask("getCoverArt", id=album["coverArt"], size=THUMBNAIL_SIZES_PIXELS[0])),
    }


async def timed(request: Callable[[], Awaitable[bytes]]) -> tuple[float, float]:
    """Return the median and the slowest time of some repetitions, in ms, after one that does not count."""
    await request()
    times = []
    for _ in range(REPEATS):
        began = time.process_time()
        await request()
        times.append(1000 * (time.process_time() - began))
    return round(statistics.median(times), 1), round(max(times), 1)


if __name__ == "__main__":
    main()
