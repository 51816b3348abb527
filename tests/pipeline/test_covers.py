"""Covers of a scanned library: each album is checked once, and its cover is served in several sizes."""

import io
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from mutagen.flac import FLAC, Picture
from PIL import Image

from tests.support.audio_files import tag, tone
from tests.support.stack import Stack, wait_until

pytestmark = pytest.mark.slow


def jpeg(colour: str, side: int) -> bytes:
    output = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(output, "JPEG")
    return output.getvalue()


def embed(path: Path, data: bytes) -> None:
    audio = FLAC(path)
    picture = Picture()
    picture.type, picture.mime, picture.data = 3, "image/jpeg", data
    audio.add_picture(picture)
    audio.save()


@pytest.fixture
def pictured(tmp_path: Path) -> Iterator[Stack]:
    """Give a stack with two albums that share one picture in 28 tracks, and two whose pictures are broken."""
    music = tmp_path / "music"
    source = tone(tmp_path / "source.flac", seconds=1)
    for album, count, data in (
        ("Same", 25, jpeg("navy", 1000)),
        ("Same again", 3, jpeg("navy", 1000)),
        ("Broken", 3, jpeg("red", 900)[:500]),
        ("Bomb", 1, b"GIF89a\xff\xff\xff\xff\x80\0\0" + bytes(500)),
    ):
        (music / album).mkdir(parents=True)
        for number in range(count):
            file = music / album / f"{number}.flac"
            file.write_bytes(source.read_bytes())
            tag(file, title=f"{album} {number}", artist="A", album=album, tracknumber=str(number + 1))
            embed(file, data)
    (music / "Broken" / "cover.jpg").write_bytes(jpeg("red", 900)[:700])
    (music / "Broken" / "folder.png").write_bytes(jpeg("green", 400))
    running = Stack(music, tmp_path / "data")
    yield running
    assert running.stop() == 0


def test_each_album_is_checked_once_and_its_cover_served_in_every_size(pictured: Stack) -> None:
    pictured.scan()
    albums = {album["title"]: album["id"] for album in pictured.get("/api/albums")["items"]}
    log = pictured.data / "logs" / "worker.log"
    done = re.compile(r"Task covers\.extract\[.*succeeded")
    wait_until(lambda: len(done.findall(log.read_text())) >= 4)
    wait_until(lambda: not any(pictured.get("/api/queues").values()))

    def cover(album: str, **query: int) -> tuple[str, int, httpx.Response]:
        answer = httpx.get(f"{pictured.url}/api/covers/album/{albums[album]}", params=query)
        assert answer.status_code == 200, answer.text
        with Image.open(io.BytesIO(answer.content)) as image:
            return answer.headers["content-type"], image.width, answer

    assert {size: cover("Same", size=size)[1] for size in (1, 160, 200, 320, 640, 641, 4000)} == {
        1: 160, 160: 160, 200: 320, 320: 320, 640: 640, 641: 1000, 4000: 1000}  # fmt: skip
    assert cover("Same")[2].content == jpeg("navy", 1000)
    assert cover("Same again")[2].content == jpeg("navy", 1000)
    # Broken pictures are skipped, embedded or in the folder, and the suffix does not decide the kind of a picture.
    assert cover("Broken")[:2] == ("image/jpeg", 400)
    assert httpx.get(f"{pictured.url}/api/covers/album/{albums['Bomb']}").status_code == 404
    # Two different pictures are stored, with the thumbnails that are smaller than they are, each as JPEG and WebP.
    files = [file for file in (pictured.data / "covers").rglob("*") if file.is_file()]
    assert len(files) == (1 + 2 * 3) + (1 + 2 * 2)
    assert "is given up" not in log.read_text()
    # A conditional request gets the cover again only if it has changed.
    first = cover("Same", size=160)[2]
    assert first.headers["cache-control"] == "public, max-age=3600"
    url = f"{pictured.url}/api/covers/album/{albums['Same']}"
    for etags in (first.headers["etag"], f'"x", W/{first.headers["etag"]}', "*"):
        again = httpx.get(url, params={"size": 160}, headers={"If-None-Match": etags})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert httpx.get(url, params={"size": 320}, headers={"If-None-Match": first.headers["etag"]}).status_code == 200
    assert httpx.get(url, params={"size": 0}).status_code == 422
    # An album in several batches gets several tasks: only those before it has a cover check its files.
    for album in ("Same", "Bomb"):
        file = pictured.music / album / "0.flac"
        audio = FLAC(file)
        audio.clear_pictures()
        audio.save()
        embed(file, jpeg("white", 50))
        pictured.send("covers.extract", album_id=albums[album], path=str(file), has_picture=True)
    wait_until(lambda: httpx.get(f"{pictured.url}/api/covers/album/{albums['Bomb']}").status_code == 200)
    wait_until(lambda: not any(pictured.get("/api/queues").values()))
    assert cover("Same")[1] == 1000
