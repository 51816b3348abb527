"""Pictures of a scanned library, and what becomes of them when the files change."""

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from mutagen.id3 import APIC, ID3, TCOM, TPOS
from mutagen.mp3 import MP3
from PIL import Image

from tests.support.audio_files import tag, tone
from tests.support.stack import Stack, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.long]

COLOURS = {"red": (255, 0, 0), "lime": (0, 255, 0), "blue": (0, 0, 255), "black": (0, 0, 0), "yellow": (255, 255, 0)}


def picture(colour: str, kind: str = "JPEG", side: int = 200) -> bytes:
    output = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(output, kind)
    return output.getvalue()


def put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tone(tmp_path_factory.mktemp("source") / "x.mp3", seconds=1)


class Library:
    """A stack, and the songs in its folder."""

    def __init__(self, folder: Path, source: Path) -> None:
        self.music, self._source = folder / "music", source
        self.music.mkdir()
        self.stack: Stack | None = None
        self.watch = "off"
        self._data = folder / "data"

    def song(
        self, path: str, embedded: bytes | None = None, disc: int | None = None, composer: str = "", **tags: str
    ) -> Path:
        """Write a song with a picture, or take the picture out of it."""
        file = self.music / path
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self._source, file)
        audio = MP3(file)
        if audio.tags is None:
            audio.add_tags()
        assert isinstance(audio.tags, ID3)
        audio.tags.delall("APIC")
        if embedded is not None:
            audio.tags.add(APIC(encoding=3, mime="image/jpeg", type=3, desc="", data=embedded))
        if disc is not None:
            audio.tags.add(TPOS(encoding=3, text=str(disc)))
        if composer:
            audio.tags.add(TCOM(encoding=3, text=composer))
        audio.save()
        if tags:
            tag(file, **tags)
        return file

    def scan(self) -> None:
        if self.stack is None:
            self.stack = Stack(self.music, self._data, SONIQUEBAY_WATCH=self.watch)
        self.stack.scan()
        wait_until(lambda: not any(self.running().get("/api/queues").values()))

    def running(self) -> Stack:
        assert self.stack is not None
        return self.stack

    def shown(self, kind: str, name: str, **query: int) -> str | None:
        """Return the colour that is shown for an album, a track or an artist."""
        field = "name" if kind == "artist" else "title"
        role = {"role": "any"} if kind == "artist" else {}
        items = self.running().get(f"/api/{kind}s", limit=500, **role)["items"]
        [item_id] = [item["id"] for item in items if item[field] == name]
        answer = httpx.get(f"{self.running().url}/api/covers/{kind}/{item_id}", params=query, timeout=30)
        if answer.status_code == 404:
            return None
        with Image.open(io.BytesIO(answer.content)) as image:
            pixel = image.convert("RGB").getpixel((0, 0))
        assert isinstance(pixel, tuple)
        return min(COLOURS, key=lambda name: sum(abs(a - b) for a, b in zip(COLOURS[name], pixel, strict=True)))

    def becomes(self, kind: str, name: str, colour: str | None, **query: int) -> None:
        try:
            wait_until(lambda: self.shown(kind, name, **query) == colour, 60)
        except AssertionError as error:
            raise AssertionError(f"{kind} {name} {query}: {self.shown(kind, name, **query)}, not {colour}") from error


@pytest.fixture
def library(tmp_path: Path, source: Path) -> Iterator[Library]:
    made = Library(tmp_path, source)
    yield made
    if made.stack is not None:
        assert made.stack.stop() == 0


def test_pictures_of_albums_discs_tracks_and_artists_are_found(library: Library) -> None:
    for disc in (1, 2):
        # Discs without numbers in their tags: only the album's own cover is known of them.
        library.song(f"Gatefold/Two Discs/CD{disc}/1.mp3", title=f"D{disc}", artist="Gatefold", album="Two Discs")
    put(library.music / "Gatefold/Two Discs/cover.jpg", picture("red"))
    put(library.music / "Gatefold/artist.png", picture("blue", "PNG"))
    for disc in (1, 2):
        library.song(f"Box/CD{disc}/1.mp3", disc=disc, title=f"Box {disc}", artist="S", album="Box")
    put(library.music / "Box/CD2/cover.jpg", picture("blue"))
    put(library.music / "Box/front.jpg", picture("red"))
    library.song(
        "broken/1.mp3", b"\xff\xd8\xff" + b"broken" * 50, title="B1", artist="S", album="Broken", tracknumber="1"
    )
    library.song("broken/2.mp3", picture("black"), title="B2", artist="S", album="Broken", tracknumber="2")
    library.song("large/1.mp3", title="L", artist="S", album="Large")
    put(library.music / "large/cover.png", picture("lime", "PNG", 5000))
    library.song("avif/1.mp3", title="A", artist="S", album="Avif")
    put(library.music / "avif/S - Avif.avif", picture("yellow", "AVIF"))
    library.song("bmp/1.mp3", title="P", artist="S", album="Bitmap")
    put(library.music / "bmp/Folder.BMP", picture("lime", "BMP"))
    library.song("loose/loose.mp3", picture("yellow"), title="Loose", artist="Single")
    library.song("loose/beside.mp3", title="Beside", artist="Single")
    put(library.music / "loose/beside.jpg", picture("blue"))
    library.song("loose/plain.mp3", title="Plain", artist="Single")
    for colour in ("red", "lime"):
        library.song(f"singles/{colour}.mp3", picture(colour), title=f"In {colour}", artist="Singler", album="Singles")
    library.scan()
    library.becomes("album", "Two Discs", "red")
    library.becomes("artist", "Gatefold", "blue")
    library.becomes("album", "Box", "red")
    assert [library.shown("album", "Box", disc=disc) for disc in (1, 2, 3)] == ["red", "blue", "red"]
    library.becomes("track", "D2", "red")
    library.becomes("album", "Broken", "black")
    library.becomes("album", "Large", "lime", size=160)
    library.becomes("album", "Avif", "yellow")
    library.becomes("album", "Bitmap", "lime")
    library.becomes("track", "Loose", "yellow")
    library.becomes("track", "Beside", "blue")
    assert library.shown("track", "Plain") is None
    for colour in ("red", "lime"):
        library.becomes("track", f"In {colour}", colour)
    # Smaller sizes are WebP for a client that names it, and JPEG for every other.
    [album] = [item["id"] for item in library.running().get("/api/albums")["items"] if item["title"] == "Large"]
    url, kinds = f"{library.running().url}/api/covers/album/{album}", {}
    for accept in ("image/avif,image/webp,*/*;q=0.8", "image/webp;q=0", "*/*", "text/html"):
        answer = httpx.get(url, params={"size": 300}, headers={"accept": accept})
        kinds[accept] = (answer.headers["content-type"], answer.headers["vary"])
    assert kinds == {
        "image/avif,image/webp,*/*;q=0.8": ("image/webp", "Accept"),
        **dict.fromkeys(("image/webp;q=0", "*/*", "text/html"), ("image/jpeg", "Accept")),
    }


def test_what_is_added_replaced_or_taken_away_is_seen_by_the_next_scan(library: Library) -> None:
    tags = {"artist": "Taker"}
    bare = library.song("1.mp3", picture("red"), title="Bare", album="Taken", **tags)
    library.song("2.mp3", picture("red"), title="Swap", album="Swapped", **tags)
    for number, name in enumerate(("Beside", "Removed", "Added", "Gone"), start=3):
        library.song(f"{name}/{number}.mp3", title=name, album=name, **tags)
    for name in ("Beside", "Removed"):
        put(library.music / name / "cover.jpg", picture("red"))
    library.song("Gone/0.mp3", picture("red"), title="First", album="Gone", **tags)
    library.scan()
    for album in ("Taken", "Swapped", "Beside", "Removed", "Gone"):
        library.becomes("album", album, "red")
    assert library.shown("album", "Added") is None
    library.song("1.mp3")
    library.song("2.mp3", picture("blue"))
    put(library.music / "Beside/cover.jpg", picture("blue"))
    (library.music / "Removed/cover.jpg").unlink()
    put(library.music / "Added/Scans/front.png", picture("blue", "PNG"))
    (library.music / "Gone/0.mp3").unlink()
    library.scan()
    for album, colour in {
        "Taken": None, "Swapped": "blue", "Beside": "blue", "Removed": None, "Added": "blue", "Gone": None,
    }.items():  # fmt: skip
        library.becomes("album", album, colour)
    assert bare.exists()


def test_a_disc_that_comes_later_and_an_earlier_track_count(library: Library) -> None:
    tags = {"artist": "A", "album": "Set"}
    library.song("Set/5.mp3", picture("red"), title="Five", tracknumber="5", **tags)
    library.scan()
    library.becomes("album", "Set", "red")
    library.song("Set/1.mp3", picture("blue"), title="One", tracknumber="1", **tags)
    library.scan()
    library.becomes("album", "Set", "blue")
    library.song("Later/1.mp3", title="Later", artist="A", album="Later", tracknumber="1")
    library.scan()
    library.song("Other folder/2.mp3", title="Later two", artist="A", album="Later", tracknumber="2")
    put(library.music / "Other folder/folder.jpg", picture("lime"))
    library.scan()
    library.becomes("album", "Later", "lime")


@pytest.mark.parametrize("watch", ["off", "on"])
def test_every_credited_artist_has_the_picture_of_its_folder(library: Library, watch: str) -> None:
    library.watch = watch
    library.song("Band/One/1.mp3", title="1", artist="The Band", album="One", composer="Bach")
    library.song("Band/One/2.mp3", title="2", artist="The Band feat. Guest", album="One")
    library.song("Bowie, David/X/3.mp3", title="3", artist="David Bowie", album="X")
    library.song("Bowie, David/Y/4.mp3", title="4", artist="David Bowie", album="Y")
    for number, name in enumerate(("Ann", "Bob", "Cy"), start=5):
        track = {"title": name, "artist": name, "tracknumber": str(number)}
        library.song(f"Various Artists/Hits/{number}.mp3", album="Hits", **track)
    put(library.music / "Various Artists/artist.jpg", picture("black"))
    put(library.music / "Various Artists/Hits/artist.jpg", picture("black"))
    put(library.music / "Band/folder.jpg", picture("red"))
    put(library.music / "Artists/Guest/thumb.png", picture("lime", "PNG"))  # no music lies there
    put(library.music / "Artists/bach/Bach.jpg", picture("blue"))
    put(library.music / "Bowie, David/poster.jpg", picture("yellow"))
    put(library.music / "folder.jpg", picture("black"))

    def change() -> None:
        if watch == "off":
            library.scan()

    library.scan()
    for name, colour in {
        "The Band": "red", "Guest": "lime", "Bach": "blue", "David Bowie": "yellow", "Various Artists": "black",
        **dict.fromkeys(("Ann", "Bob", "Cy")),
    }.items():  # fmt: skip
        library.becomes("artist", name, colour)
    put(library.music / "Band/folder.jpg", picture("lime"))  # replaced
    put(library.music / "Artists/Guest/artist.jpg", picture("blue"))  # a better one
    (library.music / "Artists/bach/Bach.jpg").unlink()
    put(library.music / "Cy/artist.webp", picture("red", "WEBP"))  # a folder of its own
    change()
    for name, colour in {"The Band": "lime", "Guest": "blue", "Bach": None, "Cy": "red", "Ann": None}.items():
        library.becomes("artist", name, colour)
    put(library.music / "Artists/Guest/artist.jpg", b"no picture")
    (library.music / "Band/folder.jpg").unlink()
    shutil.rmtree(library.music / "Cy")
    change()
    for name, colour in {"The Band": None, "Guest": "lime", "Cy": None, "David Bowie": "yellow"}.items():
        library.becomes("artist", name, colour)
