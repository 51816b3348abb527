"""One stack over a collection as people have them: scanned once, then corrected and scanned again."""

import io
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.pipeline.real_collections import files
from tests.support.stack import Stack, wait_until

Row = dict[str, Any]


class Collection:
    """A scanned collection, as its owner sees it over HTTP."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.summaries: list[Row] = []
        self.tracks: dict[str, Row] = {}
        self.albums: list[Row] = []

    def scan(self) -> None:
        self.summaries.append(self.stack.scan())
        wait_until(self.stack.pictures_are_found, 60)
        self.tracks = self.stack.tracks()
        self.albums = self.stack.get("/api/albums", limit=500)["items"]

    def track(self, title: str) -> Row:
        answer: Row = self.stack.get(f"/api/tracks/{self.tracks[title]['id']}")
        return answer

    def credited(self, title: str, role: str = "artist") -> list[str]:
        return [credit["name"] for credit in self.track(title)["artists"] if credit["role"] == role]

    def albums_called(self, title: str) -> list[Row]:
        return [self.stack.get(f"/api/albums/{album['id']}") for album in self.albums if album["title"] == title]

    def album(self, title: str) -> Row:
        [album] = self.albums_called(title)
        return album

    def artists(self) -> list[str]:
        return [artist["name"] for artist in self.stack.get("/api/artists", limit=500)["items"]]

    def found(self, question: str, kind: str = "artist") -> list[str]:
        items = self.stack.get("/api/search", q=question, type=kind, limit=500)["items"]
        return [item["title" if kind in {"track", "album"} else "name"] for item in items]

    def colour(self, kind: str, item_id: int, **which: int) -> tuple[int, ...] | None:
        """Return the colour of the picture of an album, a track or an artist, each channel rounded to 0 or 255."""
        answer = httpx.get(f"{self.stack.url}/api/covers/{kind}/{item_id}", params=which, timeout=30)
        if answer.status_code == 404:
            return None
        with Image.open(io.BytesIO(answer.content)) as image:
            pixel = image.convert("RGB").getpixel((0, 0))
        return tuple(255 * round(value / 255) for value in pixel)


@pytest.fixture(scope="package")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collection]:
    folder = tmp_path_factory.mktemp("collection")
    files.make(folder / "music")
    collection = Collection(Stack(folder / "music", folder / "data"))
    try:
        collection.scan()
        yield collection
    finally:
        code = collection.stack.stop()
    assert code == 0
