"""Enrichment from MusicBrainz and the Cover Art Archive, over HTTP to a test double of them, and without them."""

import io
import re
import sqlite3
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from soniquebay import __version__
from soniquebay.library.enrichment import MAX_LOOKUPS_PER_TASK
from soniquebay.online.fetcher import COOL_DOWN_SECONDS
from tests.support.audio_files import png, tag, tone
from tests.support.doubles.musicbrainz import Failure, UpstreamDouble
from tests.support.stack import Stack, free_port, wait_until

pytestmark = pytest.mark.slow

ARTIST = "f6f2326f-6b25-4170-b89d-e235b25508e8"
TAGGED, FOUND, GROUP_ONLY, UNKNOWN, PICTURED = (f"{str(n) * 8}-0000-4000-8000-00000000000{n}" for n in range(1, 6))
GROUPS = {mbid: mbid.replace("-4000-", "-4111-") for mbid in (TAGGED, FOUND, GROUP_ONLY, PICTURED)}


def picture(colour: str = "navy", side: int = 1200) -> bytes:
    output = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(output, "JPEG")
    return output.getvalue()


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """Make albums: with an MBID, without one, with a cover of its group only, with an unknown MBID, with a picture."""
    folder = tmp_path / "music"
    for number, (album, more) in enumerate(
        {"Tagged": {"mb_album": TAGGED}, "Found": {}, "Grouped": {"mb_album": GROUP_ONLY},
         "Strange": {"mb_album": UNKNOWN}, "Pictured": {"mb_album": PICTURED}}.items()
    ):  # fmt: skip
        (folder / album).mkdir(parents=True)
        for track in (1, 2):
            tags = {**more, **({"genre": "Hymn"} if (album, track) == ("Tagged", 2) else {})}
            tone(folder / album / f"{track}.flac", frequency=200 + 20 * number, title=f"{album} {track}",
                 artist="Sigur Ros", album=album, tracknumber=str(track), mb_artist=ARTIST, **tags)  # fmt: skip
    tag(folder / "Pictured" / "1.flac", picture=True)
    return folder


def add_entities(double: UpstreamDouble) -> None:
    double.add_artist(ARTIST, "Sigur Rós", "post-rock", "ambient")
    for mbid, title in ((TAGGED, "Tagged"), (FOUND, "Found"), (GROUP_ONLY, "Grouped"), (PICTURED, "Pictured")):
        double.add_release(mbid, title, GROUPS[mbid], *(["dream pop"] if mbid == TAGGED else []))
    double.add_result(FOUND, "Found", "Sigur Rós", GROUPS[FOUND], tracks=2)
    double.results[-1]["artist-credit"][0]["artist"]["id"] = ARTIST
    double.add_picture("release", TAGGED, picture("navy"))
    double.add_picture("release", FOUND, picture("green"))
    double.add_picture("release-group", GROUPS[GROUP_ONLY], picture("red"), release=TAGGED.replace("1", "9"))


@pytest.fixture
def double() -> Iterator[UpstreamDouble]:
    running = UpstreamDouble()
    add_entities(running)
    yield running
    running.stop()


@pytest.fixture
def online(music: Path, tmp_path: Path, double: UpstreamDouble) -> Iterator[Stack]:
    running = Stack(music, tmp_path / "data", **double.environment())
    yield running
    assert running.stop() == 0


def albums(stack: Stack) -> dict[str, Any]:
    return {album["title"]: album for album in stack.get("/api/albums", limit=500)["items"]}


def resume(stack: Stack) -> None:
    """Have the API refill its queues, as it does by itself every minute."""
    socket = stack.environment()["SONIQUEBAY_API_SOCKET"]
    with httpx.Client(transport=httpx.HTTPTransport(uds=socket), base_url="http://api", timeout=30) as api:
        assert api.post("/internal/resume").status_code == 200


def rows(stack: Stack, sql: str, *values: Any) -> list[Any]:
    database = sqlite3.connect(stack.data / "library.db", isolation_level=None, timeout=30)
    try:
        return database.execute(sql, values).fetchall()
    finally:
        database.close()


def wait_for_local_covers(stack: Stack) -> None:
    """Wait until every album and artist was checked for a picture in the files; only then the archive is asked."""
    unchecked = (
        "SELECT (SELECT count(*) FROM albums WHERE cover_checked = 0) "
        "+ (SELECT count(*) FROM artist_pictures WHERE searched < changes)"
    )
    wait_until(lambda: rows(stack, unchecked) == [(0,)])


def is_enriched(stack: Stack) -> bool:
    counts = rows(stack, "SELECT (SELECT count(*) FROM mb_artists), (SELECT count(*) FROM mb_releases)")
    return counts == [(1, 5)] and sum(album["has_cover"] for album in albums(stack).values()) == 4


def intervals(double: UpstreamDouble, part: str) -> list[float]:
    times = [when for when, path, _ in double.requests if part in path]
    return [later - earlier for earlier, later in pairwise(times)]


def test_a_scanned_library_gets_facts_and_covers(online: Stack, double: UpstreamDouble) -> None:
    online.scan()
    wait_for_local_covers(online)
    resume(online)
    wait_until(lambda: is_enriched(online), 90)
    assert [path for path in double.paths(UNKNOWN) if not path.startswith("/ws/2/")] == []
    (artist,) = online.get("/api/artists")["items"]
    assert (artist["name"], artist["canonical_name"], artist["sort_name"]) == (
        "Sigur Ros",
        "Sigur Rós",
        "Sigur Rós, The",
    )
    assert (artist["type"], artist["country"], artist["genres"]) == ("Group", "IS", ["Post-Rock", "Ambient"])
    shown = albums(online)
    assert {title: album["mbid"] for title, album in shown.items()} == {
        "Tagged": TAGGED, "Found": FOUND, "Grouped": GROUP_ONLY, "Strange": UNKNOWN, "Pictured": PICTURED}  # fmt: skip
    facts = shown["Tagged"]
    assert (facts["type"], facts["release_date"], facts["label"]) == ("Album", "1999-06-12", "Smekkleysa")
    assert (facts["release_group_mbid"], facts["genres"]) == (GROUPS[TAGGED], ["Dream Pop"])
    assert (shown["Strange"]["type"], shown["Strange"]["has_cover"]) == (None, False)
    # Genres are those of the tags, or else of the release, or else of the artist.
    genres = {title: sorted(track["genres"]) for title, track in online.tracks().items()}
    assert genres["Tagged 2"] == ["Hymn"]
    assert genres["Tagged 1"] == ["Dream Pop"]
    assert genres["Found 1"] == ["Ambient", "Post-Rock"]
    # Covers are those of the release, or else of its group.
    for title, colour in (("Tagged", (0, 0, 128)), ("Found", (0, 128, 0)), ("Grouped", (255, 0, 0))):
        url = f"{online.url}/api/covers/album/{shown[title]['id']}"
        for size in (None, 160, 640):
            answer = httpx.get(url, params={"size": size} if size else None)
            with Image.open(io.BytesIO(answer.content)) as image:
                assert max(image.size) == (size or 1200)
                assert all(abs(a - b) < 12 for a, b in zip(image.getpixel((9, 9)), colour, strict=True))  # type: ignore[arg-type]
    # There are never two requests to one service within a second, and all have our User-Agent.
    assert min(intervals(double, "/ws/2/")) >= 1.0
    assert {headers["User-Agent"] for _, _, headers in double.requests} == {
        f"SoniqueBay/{__version__} ( http://soniquebay.local )"
    }
    # No cover is fetched for an album whose files have a picture.
    assert [path for path in double.paths(PICTURED) if not path.startswith("/ws/2/")] == []
    assert httpx.get(f"{online.url}/api/covers/album/{shown['Pictured']['id']}").content == png()
    # Nothing is looked up twice.
    before = len(double.requests)
    resume(online)
    online.scan()
    resume(online)
    time.sleep(3)
    assert len(double.requests) == before
    assert len(set(double.paths())) == before


def test_without_a_network_the_scan_completes_and_enrichment_continues_later(music: Path, tmp_path: Path) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    stack = Stack(music, tmp_path / "data", SONIQUEBAY_ONLINE="on", SONIQUEBAY_MUSICBRAINZ_URL=f"{address}/ws/2",
                  SONIQUEBAY_COVERART_URL=address)  # fmt: skip
    try:
        done = stack.scan()
        assert (done["status"], done["tracks"], done["failures"], done["vectors"]) == ("completed", 10, 0, 10)
        wait_for_local_covers(stack)
        resume(stack)
        state = "SELECT failures, retry_at, leased_until FROM online_services WHERE name = 'musicbrainz'"
        wait_until(lambda: rows(stack, state)[0][0] == 1)
        ((_, retry_at, leased),) = rows(stack, state)
        assert 30 < retry_at - time.time() <= 60
        assert leased == 0
        for _ in range(5):
            resume(stack)  # before the back-off has passed nothing happens
        time.sleep(2)
        assert rows(stack, state) == [(1, retry_at, 0)]
        assert not any(stack.get("/api/queues").values())
        # The next attempt is a single lookup, and fails too.
        rows(stack, "UPDATE online_services SET retry_at = 0")
        resume(stack)
        wait_until(lambda: rows(stack, state)[0][0] == 2)
        assert 60 < rows(stack, state)[0][1] - time.time() <= 120
        assert not any(stack.get("/api/queues").values())
        # The logs stay short: one line of the API, and two tasks in the log of the worker.
        api, worker = ((stack.data / "logs" / f"{name}.log").read_text() for name in ("api", "worker"))
        assert len(re.findall("musicbrainz does not answer", api)) == 1
        assert len(re.findall(r"Task enrich\.musicbrainz\[.*received", worker)) == 2
        assert "Traceback" not in api + worker
        assert stack.get("/api/health")["status"] == "ok"
        # Once the network is back and the back-off has passed, enrichment continues.
        double = UpstreamDouble(port)
        try:
            add_entities(double)
            time.sleep(COOL_DOWN_SECONDS)
            rows(stack, "UPDATE online_services SET retry_at = 0")
            resume(stack)
            wait_until(lambda: rows(stack, "SELECT count(*) FROM mb_releases") == [(5,)], 60)
            resume(stack)
            wait_until(lambda: is_enriched(stack), 60)
        finally:
            double.stop()
    finally:
        assert stack.stop() == 0


def test_an_unusable_answer_is_not_taken_for_facts(online: Stack, double: UpstreamDouble) -> None:
    double.failure = Failure(
        200, {"Content-Type": "application/json"}, b"<html>Log in to the hotel's network</html>", times=1
    )
    online.scan()
    wait_for_local_covers(online)
    resume(online)
    state = "SELECT failures, retry_at, reason FROM online_services WHERE name = 'musicbrainz'"
    wait_until(lambda: rows(online, state)[0][0] == 1)
    # The release that was looked up waits a day, and the next lookup is that of another one.
    ((first, name, until),) = rows(online, "SELECT mbid, name, expires_at FROM mb_releases")
    assert name is None
    assert 0.9 < (until - time.time()) / 86400 <= 1
    # Then the service is busy, and states for how long.
    double.failure = Failure(503, {"Retry-After": "1800", "Content-Type": "application/json"})
    time.sleep(COOL_DOWN_SECONDS)
    rows(online, "UPDATE online_services SET retry_at = 0")
    resume(online)
    wait_until(lambda: rows(online, state)[0][0] == 2)
    ((_, retry_at, reason),) = rows(online, state)
    assert 1700 < retry_at - time.time() <= 1800
    assert "503" in reason
    assert len(double.paths(first)) == 1
    assert len(double.requests) == 2
    assert len(rows(online, "SELECT * FROM mb_releases")) == 1
    # The fetcher keeps that time too, whatever the API does.
    double.failure = None
    rows(online, "UPDATE online_services SET retry_at = 0")
    resume(online)
    wait_until(lambda: rows(online, state)[0][0] == 3)
    assert len(double.requests) == 2


def test_nothing_is_looked_up_when_it_is_off(stack: Stack, scanned: dict[str, Any]) -> None:
    wait_for_local_covers(stack)
    resume(stack)
    state = stack.get("/api/online")
    assert not state["online"]
    coverart, musicbrainz = state["services"]
    assert musicbrainz["due"] > 0
    assert musicbrainz["retry_at"] is coverart["retry_at"] is None
    assert rows(stack, "SELECT sum(leased_until) FROM online_services") == [(0,)]
    with pytest.raises(AssertionError, match="no program online"):
        stack.program("online")


@pytest.mark.long  # one request a second
def test_at_most_one_window_of_lookups_a_service_is_queued(tmp_path: Path, double: UpstreamDouble) -> None:
    """With more albums than a window holds, at most two messages are queued, and one request a second is made."""
    music = tmp_path / "music"
    source = tone(tmp_path / "source.flac", seconds=1)
    for number in range(MAX_LOOKUPS_PER_TASK + 3):
        folder = music / str(number)
        folder.mkdir(parents=True)
        (folder / "x.flac").write_bytes(source.read_bytes())
        tag(folder / "x.flac", title=f"T{number}", artist=f"A{number}", album=f"B{number}",
            mb_album=f"00000000-0000-4000-8000-{number:012}")  # fmt: skip
    stack = Stack(music, tmp_path / "data", **double.environment())
    try:
        stack.scan()
        wait_for_local_covers(stack)
        resume(stack)
        max_queued = 0

        def done() -> bool:
            nonlocal max_queued
            queues = stack.get("/api/queues")
            max_queued = max(max_queued, queues["deferred"] + queues["covers"])
            return rows(stack, "SELECT count(*) FROM mb_releases") == [(MAX_LOOKUPS_PER_TASK + 3,)]

        # There is no wait between two windows: the end of the first one sends the second.
        wait_until(done, MAX_LOOKUPS_PER_TASK + 3 + 25)
        assert max_queued <= 2
        assert min(intervals(double, "/ws/2/")) >= 1.0
    finally:
        assert stack.stop() == 0
