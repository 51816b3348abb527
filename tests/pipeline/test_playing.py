"""A track's file over HTTP: whole, in ranges, and when something goes wrong with it."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from soniquebay.api.file_answer import CHUNK_BYTES
from soniquebay.audio.media_types import UNKNOWN
from soniquebay.library.paths import decode
from tests.support.audio_files import tone
from tests.support.stack import Stack, wait_until


def path_of(track: dict[str, Any]) -> Path:
    return Path(os.fsdecode(decode(track["path"])))


def url_of(stack: Stack, track: dict[str, Any], what: str = "stream") -> str:
    return f"{stack.url}/api/tracks/{track['id']}/{what}"


def test_every_format_is_played_as_it_is(stack: Stack, scanned: dict[str, Any]) -> None:
    tracks = stack.tracks().values()
    assert len(tracks) > 8
    for track in tracks:
        content = path_of(track).read_bytes()
        answer = httpx.get(url_of(stack, track), params={"format": "raw"})
        assert (answer.status_code, answer.content) == (200, content), track["path"]
        assert answer.headers["content-type"].startswith("audio/") != (answer.headers["content-type"] == UNKNOWN)
        assert answer.headers["accept-ranges"] == "bytes"
        assert answer.headers["x-content-type-options"] == "nosniff"
        head = httpx.head(url_of(stack, track), params={"format": "raw"})
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(content))


@pytest.fixture
def song(stack: Stack, scanned: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = stack.tracks()["Song flac"]
    return found


@pytest.mark.parametrize(
    ("wanted", "begin", "end"),
    [("0-0", 0, 1), ("10-19", 10, 20), ("100-", 100, None), ("-7", -7, None), ("0-99999999999", 0, None),
     ("-99999999999", 0, None)],
)  # fmt: skip
def test_a_range_is_played(stack: Stack, song: dict[str, Any], wanted: str, begin: int, end: int | None) -> None:
    content = path_of(song).read_bytes()
    part = content[begin:end]
    first = begin % len(content) if begin < 0 else begin
    for method in ("GET", "HEAD"):
        answer = httpx.request(method, url_of(stack, song), headers={"Range": f"bytes={wanted}"})
        assert answer.status_code == 206
        assert answer.content == (part if method == "GET" else b"")
        assert answer.headers["content-length"] == str(len(part))
        assert answer.headers["content-range"] == f"bytes {first}-{first + len(part) - 1}/{len(content)}"


@pytest.mark.parametrize("wanted", ["bytes=99999999999-", "bytes=-0", "bytes=99999999998-99999999999"])
def test_a_range_behind_the_end_is_refused(stack: Stack, song: dict[str, Any], wanted: str) -> None:
    answer = httpx.get(url_of(stack, song), headers={"Range": wanted})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{path_of(song).stat().st_size}"


@pytest.mark.parametrize("wanted", ["bytes=5-2", "bytes=a-b", "lines=0-1", "bytes=0-1,4-5", "bytes", "=", "bytes=--1"])
def test_what_is_no_range_plays_the_whole_file(stack: Stack, song: dict[str, Any], wanted: str) -> None:
    answer = httpx.get(url_of(stack, song), headers={"Range": wanted})
    assert (answer.status_code, len(answer.content)) == (200, path_of(song).stat().st_size)


def test_a_known_version_is_not_sent_again_and_a_range_of_another_version_is_the_whole(
    stack: Stack, song: dict[str, Any]
) -> None:
    url = url_of(stack, song)
    known = httpx.head(url).headers
    for value in (known["etag"], f'"x", W/{known["etag"]}', "*"):
        assert httpx.get(url, headers={"If-None-Match": value}).status_code == 304
    part = {"Range": "bytes=0-9"}
    for value, status in ((known["etag"], 206), (known["last-modified"], 206), ('"other"', 200)):
        assert httpx.get(url, headers=part | {"If-Range": value}).status_code == status
    path = path_of(song)
    times = path.stat()
    try:
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns + 1))
        assert httpx.get(url, headers={"If-None-Match": known["etag"]}).status_code == 200
    finally:
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def test_a_download_has_the_name_of_the_file(stack: Stack, scanned: dict[str, Any]) -> None:
    tracks = stack.tracks()
    answer = httpx.get(url_of(stack, tracks["Song flac"], "download"))
    name = path_of(tracks["Song flac"]).name
    assert answer.headers["content-disposition"] == f"attachment; filename*=UTF-8''{name}"
    assert answer.content == path_of(tracks["Song flac"]).read_bytes()
    answer = httpx.get(url_of(stack, tracks["Not UTF-8"], "download"))  # caf\xe9.ogg
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''caf%3F.ogg"
    assert "content-disposition" not in httpx.get(url_of(stack, tracks["Song flac"])).headers


def test_no_track_is_404(stack: Stack) -> None:
    for what in ("stream", "download"):
        assert httpx.get(url_of(stack, {"id": 999_999}, what)).status_code == 404


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    music = tmp_path_factory.mktemp("own")
    tone(music / "long.wav", title="Long")
    tone(music / "gone.flac", title="Gone")
    running = Stack(music, tmp_path_factory.mktemp("data"))
    try:
        running.cli("scan", "--wait")
        # More than the buffers of a connection hold. What follows the sound is played too: it is the file as it is.
        os.truncate(music / "long.wav", 100_000_000)
        yield running
    finally:
        running.stop()


def test_a_file_that_is_gone_is_a_clear_answer(own: Stack) -> None:
    track = own.tracks()["Gone"]
    path_of(track).unlink()
    for what in ("stream", "download"):
        answer = httpx.get(url_of(own, track, what))
        assert answer.status_code == 503
        assert "is its drive there?" in answer.json()["detail"]
        assert str(own.music) not in answer.text
    own.cli("scan", "--wait")
    answer = httpx.get(url_of(own, track))
    assert (answer.status_code, "missing" in answer.json()["detail"]) == (404, True)


@pytest.mark.parametrize("change", [lambda path: os.truncate(path, CHUNK_BYTES), lambda path: path.write_bytes(b"x")])
def test_a_file_that_changes_while_it_plays_ends_the_answer(own: Stack, change: Callable[[Path], object]) -> None:
    track = own.tracks()["Long"]
    os.truncate(path_of(track), 100_000_000)
    with pytest.raises(httpx.RemoteProtocolError), slow_stream(url_of(own, track)) as chunks:
        next(chunks)
        change(path_of(track))
        for _ in chunks:
            pass
    assert "cannot be read any more: it has changed" in (own.data / "logs" / "api.log").read_text()
    assert own.get("/api/health")["database"] == "ok"
    wait_until(lambda: not open_files(own))


def test_a_listener_who_leaves_has_the_file_closed(own: Stack) -> None:
    track = own.tracks()["Long"]
    os.truncate(path_of(track), 100_000_000)
    with slow_stream(url_of(own, track)) as chunks:
        next(chunks)
        assert open_files(own) == [path_of(track)]
    wait_until(lambda: not open_files(own))


@contextmanager
def slow_stream(url: str) -> Iterator[Iterator[bytes]]:
    """Give the chunks of an answer to a client with a small buffer, so that the server has to wait for it."""
    options = [(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)]
    with (
        httpx.Client(transport=httpx.HTTPTransport(socket_options=options), timeout=30) as client,
        client.stream("GET", url) as answer,
    ):
        yield answer.iter_raw(65536)


def open_files(stack: Stack) -> list[Path]:
    """Return the files of music that the API has open."""
    found = []
    for descriptor in Path(f"/proc/{stack.program('api')}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            target = descriptor.readlink()
            if target.is_relative_to(stack.music) and target.is_file():
                found.append(target)
    return found
