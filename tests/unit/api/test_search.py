"""Searching over HTTP: by kind, all kinds at once, and while the index is made anew."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from soniquebay.api import rebuilds
from soniquebay.api.public import public_app
from soniquebay.api.server import make_services
from soniquebay.library.database import Database
from soniquebay.library.search import index
from soniquebay.settings import from_environment
from tests.unit.songs import file, insert

Get = Callable[..., Any]


@pytest.fixture
def library(db: Database) -> Database:
    """A library of three tracks."""
    insert(
        db,
        file("/1", title="Blue", artist="Red", album="Blue Album", genres=["Blues Rock"]),
        file("/2", title="Blue", artist="Blue", album="Red Album"),
        file("/3", title="Mo\u0308torhed", artist="Bluebird", album="Blue"),
    )
    return db


@pytest.fixture
def get(library: Database) -> Get:
    """Send GET requests to the public API of the library; there is no Redis."""
    app = public_app(
        make_services(from_environment({"SONIQUEBAY_LOGIN": "off", "SONIQUEBAY_DATA": str(library.path.parent)}))
    )

    async def send(path: str, parameters: dict[str, Any], status: int) -> Any:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            response = await client.get(path, params=parameters)
        assert response.status_code == status, response.text
        return response.json()

    return lambda path, status=200, **parameters: asyncio.run(send(path, parameters, status))


def test_each_kind_has_the_fields_of_its_list(get: Get) -> None:
    for kind, plural, field, found in (
        ("track", "tracks", "title", ["Blue", "Blue", "Mötorhed"]),
        ("album", "albums", "title", ["Blue", "Red Album", "Blue Album"]),
        ("artist", "artists", "name", ["Blue", "Bluebird"]),
    ):
        answer = get("/api/search", q="blue", type=kind)
        assert [item[field] for item in answer["items"]] == [item.replace("ö", "o\u0308") for item in found]
        assert answer["total"] == len(found)
        listed = {item["id"]: item for item in get(f"/api/{plural}")["items"]}
        assert answer["items"] == [listed[item["id"]] for item in answer["items"]]
    assert get("/api/search", q="blues", type="genre")["items"] == [
        {"id": 1, "name": "Blues Rock", "tracks": 1, "albums": 1}
    ]
    assert get("/api/search", q="motorhed") == get("/api/search", q="motorhed", type="track")
    assert get("/api/search", q="nothing", type="album")["items"] == []
    get("/api/search", 422, q="blue", type="planet")


def test_pages_of_a_search(get: Get) -> None:
    pages = [get("/api/search", q="blue", limit=1, offset=offset) for offset in range(4)]
    assert [[item["id"] for item in page["items"]] for page in pages] == [[1], [2], [3], []]
    assert {page["total"] for page in pages} == {3}


def test_similar_hits_are_counted(get: Get) -> None:
    exact, mistyped = get("/api/search", q="mötorhed"), get("/api/search/all", q="motorhead")
    assert (exact["total"], exact["similar"]) == (1, 0)
    assert (mistyped["tracks"]["total"], mistyped["tracks"]["similar"]) == (1, 1)
    assert (mistyped["albums"]["total"], mistyped["albums"]["similar"]) == (0, 0)


def test_all_kinds_at_once(get: Get) -> None:
    answer = get("/api/search/all", q="blue", limit=2)
    assert {kind: (len(page["items"]), page["total"]) for kind, page in answer.items()} == {
        "tracks": (2, 3), "albums": (2, 3), "artists": (2, 2), "genres": (1, 1)
    }  # fmt: skip
    assert answer["artists"]["items"] == get("/api/search", q="blue", type="artist")["items"]


def test_a_rebuild_is_told_and_finds_everything_at_its_end(
    library: Database, get: Get, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, rebuilds.__name__)
    with library.transaction() as db:
        db.execute("DELETE FROM search_tracks WHERE rowid <> 2")
        db.execute("DELETE FROM search_albums")
        db.execute("UPDATE search_state SET version = 0")
    monkeypatch.setattr(index, "TRACKS_PER_STEP", 2)
    services = make_services(from_environment({"SONIQUEBAY_LOGIN": "off", "SONIQUEBAY_DATA": str(library.path.parent)}))
    answer = get("/api/search", q="blue")
    assert ([item["id"] for item in answer["items"]], answer["complete"]) == ([2], False)
    insert(library, file("/4", title="Blue in the meantime"))  # a scan goes on beside it
    asyncio.run(rebuilds.rebuild_search_index(services))
    answer = get("/api/search", q="blue")
    assert ([item["id"] for item in answer["items"]], answer["complete"]) == ([1, 2, 3, 4], True)
    assert get("/api/search", q="blue", type="album")["total"] == 3
    assert get("/api/search", q="blues", type="genre")["total"] == 1
    assert [record.getMessage() for record in caplog.records] == [
        "the search index is made anew for 3 tracks; until then some are not found",
        "the search index is complete",
    ]
    asyncio.run(rebuilds.rebuild_search_index(services))  # nothing is left to do
    assert len(caplog.records) == 2
