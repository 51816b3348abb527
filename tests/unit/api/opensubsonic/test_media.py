"""Sound, pictures and lyrics, of real files."""

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from soniquebay.api.public import public_app
from soniquebay.api.services import Services
from soniquebay.audio.picture_format import THUMBNAIL_SIZES_PIXELS
from soniquebay.library import covers
from soniquebay.library.browsing.lyrics import timed_lines
from tests.support.audio_files import png, tone
from tests.unit.api.opensubsonic.client import Client, app_of
from tests.unit.api.opensubsonic.conftest import made
from tests.unit.songs import file, insert


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("music")


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory, music: Path) -> Services:
    services = made(tmp_path_factory.mktemp("played"), music)
    for name in ("a.flac", "b.m4a"):
        tone(music / name, seconds=4, title=name)
    insert(
        services.database,
        *(file(f"{music}/{name}", title=name, artist="Real", album="Tones", duration=4.0, format=form)
          for name, form in (("a.flac", "FLAC"), ("b.m4a", "M4A"))),
        file(f"{music}/gone.flac", title="gone.flac", artist="Real"),
        file(f"{music}/c.dsf", title="c.dsf", artist="Real", format="DSF"),
    )  # fmt: skip
    return services


@pytest.fixture(scope="module")
def app(played: Services) -> Client:
    return app_of(played, TestClient(public_app(played), "http://localhost"), "Ada")


def song(client: Client, title: str) -> Any:
    return client.get("search3", query=title)["searchResult3"]["song"][0]


def test_a_file_is_streamed_as_it_is(app: Client, music: Path) -> None:
    track = song(app, "a.flac")
    data = (music / "a.flac").read_bytes()
    for method in ("stream", "stream.view", "download"):
        for given in ({}, {"format": "raw"}, {"maxBitRate": 0}, {"format": "flac"}, {"format": "nonsense"}):
            answer = app.send(method, id=track["id"], **given)
            assert (answer.status_code, answer.content) == (200, data), (method, given)
    assert answer.headers["content-disposition"].endswith("a.flac")
    assert app.send("stream", post=True, id=track["id"]).content == data
    credentials = {"u": app.name, "p": app.password, "id": track["id"]}
    part = app.http.get("/rest/stream", params=credentials, headers={"Range": "bytes=0-9"})
    assert (part.status_code, part.content) == (206, data[:10])
    assert app.http.head("/rest/stream", params=credentials).headers["content-length"] == str(len(data))
    assert app.get("getNowPlaying")["nowPlaying"]["entry"] == []


def test_a_stream_is_transcoded(app: Client) -> None:
    track = song(app, "a.flac")
    for given, kind in (({"format": "mp3"}, "audio/mpeg"), ({"format": "ogg"}, "audio/ogg; codecs=opus"),
                        ({"maxBitRate": 128}, "audio/mpeg"), ({"timeOffset": 2}, "audio/flac"),
                        ({"format": "raw", "timeOffset": "2.5"}, "audio/flac"), ({"maxBitRate": 8}, "audio/mpeg"),
                        ({"maxBitRate": 2000}, "audio/mpeg")):  # fmt: skip
        answer = app.send("stream", id=track["id"], **given)
        assert (answer.status_code, answer.headers["content-type"]) == (200, kind), given
        assert answer.content
    estimated = app.send("stream", id=track["id"], format="mp3", estimateContentLength="true")
    assert int(estimated.headers["content-length"]) == len(estimated.content)
    assert song(app, "c.dsf")["transcodedContentType"] == "audio/flac"


def test_what_cannot_be_streamed(app: Client) -> None:
    track = song(app, "a.flac")
    for method in ("stream", "download"):
        assert [app.error(method, id=wrong) for wrong in ("tr-999", "al-1", "x", "")] == [70, 70, 70, 10]
        assert app.send(method, id=song(app, "gone")["id"]).status_code == 503
        assert str(app.http) not in app.send(method, id=song(app, "gone")["id"]).text
    assert app.send("stream", id=track["id"], timeOffset=900).status_code == 416
    assert (
        app.error("stream", id=track["id"], timeOffset="x") == app.error("stream", id=track["id"], maxBitRate="x") == 0
    )
    assert (app.error("hls", id=track["id"]), app.error("getAvatar", username="Ada")) == (0, 70)
    refused = app.http.get("/rest/stream", params={"id": track["id"], "f": "json"}).json()["subsonic-response"]
    assert refused["error"]["code"] == 10


def test_covers(played: Services, app: Client) -> None:
    track = song(app, "a.flac")
    album = track["albumId"]
    data = png()
    digest = covers.digest_of(data)
    folder = played.settings.covers
    covers.write_picture(folder, digest, data)
    for size in THUMBNAIL_SIZES_PIXELS[:2]:
        covers.write_picture(folder, digest, f"thumbnail {size}".encode(), size)
    assert app.error("getCoverArt", id=album) == 70
    with played.database.transaction() as db:
        covers.set_from_files(db, int(album[3:]), covers.Cover(digest, "image/png"), {})
    cover = app.get("getAlbum", id=album)["album"]["coverArt"]
    assert cover == f"{album}-{digest[:8]}"
    small, large = THUMBNAIL_SIZES_PIXELS[:2]
    for method, given, content in (
        ("getCoverArt", {}, data), ("getCoverArt", {"size": 1}, f"thumbnail {small}".encode()),
        ("getCoverArt.view", {"size": large}, f"thumbnail {large}".encode()), ("getCoverArt", {"size": 10**9}, data),
    ):  # fmt: skip
        answer = app.send(method, id=cover, **given)
        assert (answer.status_code, answer.content) == (200, content), given
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert app.send("getCoverArt", id=track["artistId"]).content == data
    playlist = app.get("createPlaylist", name="Covers", songId=[song(app, "c.dsf")["id"], track["id"]])["playlist"]
    assert app.send("getCoverArt", id=playlist["coverArt"]).content == data
    assert app.error("getCoverArt", id="") == 10
    assert {app.error("getCoverArt", id=wrong) for wrong in ("al-999", "pl-999", "fo-x", "../x", "al-3-x")} == {70}
    assert app.error("getCoverArt", id=cover, size="x") == 0


def test_lyrics(ada: Client) -> None:
    timed, plain, none = (song(ada, f"Song {n}") for n in (1, 2, 3))
    [lyrics] = ada.get("getLyricsBySongId", id=timed["id"])["lyricsList"]["structuredLyrics"]
    assert lyrics == {
        "displayArtist": "The Bees", "displayTitle": "Song 1", "lang": "und", "synced": True, "offset": 0,
        "line": [{"start": 1000, "value": "One"}, {"start": 2500, "value": "Two"}],
    }  # fmt: skip
    [lyrics] = ada.get("getLyricsBySongId", id=plain["id"])["lyricsList"]["structuredLyrics"]
    assert (lyrics["synced"], lyrics["line"]) == (False, [{"value": "Three"}, {"value": "Four"}])
    assert ada.get("getLyricsBySongId", id=none["id"])["lyricsList"] == {"structuredLyrics": []}
    assert (ada.error("getLyricsBySongId", id="tr-999"), ada.error("getLyricsBySongId")) == (70, 10)
    assert ada.get("getLyrics", artist="the bees", title="song 2")["lyrics"]["value"] == "Three\nFour"
    assert ada.get("getLyrics", title="Song 1")["lyrics"]["value"] == "One\nTwo"
    assert ada.get("getLyrics", artist="Nobody", title="Song 2")["lyrics"] == {"value": ""}
    assert ada.get("getLyrics")["lyrics"] == {"value": ""}
    text = ada.xml("getLyrics", title="Song 2")[0]
    assert (text.text, text.attrib["title"]) == ("Three\nFour", "Song 2")


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", []), ("no times", []), ("[ar:x]\n[offset:+5]\n[00:01]a", [(1000, "a")]),
        ("[01:02.3]a\n[00:01.25][00:03.125] b ", [(1250, "b"), (3125, "b"), (62300, "a")]),
        ("[00:00.00]", [(0, "")]), ("[00:01.00]<00:01.00>Two <00:01.50>words", [(1000, "Two words")]),
        ("[999:99:999]x", [(999 * 60_000 + 99_999, "x")]), ("[٠٠:٠١]x", []),
    ],
)  # fmt: skip
def test_lines_with_times(text: str, lines: list[tuple[int, str]]) -> None:
    assert [(line.start_ms, line.text) for line in timed_lines(text)] == lines
