"""Folders over HTTP: what lies in each, and that nobody learns where the folders of music are."""

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from soniquebay.api.access import COOKIE
from soniquebay.api.public import public_app
from soniquebay.api.server import make_services
from soniquebay.api.services import Services
from soniquebay.library.missing_tracks import mark_missing
from soniquebay.listeners import users
from soniquebay.settings import from_environment
from tests.unit.songs import file, insert

FIRST, SECOND = "/srv/music", "/mnt/disk"


@pytest.fixture
def services(tmp_path: Path) -> Services:
    music = f"{FIRST}:{SECOND}"
    variables = {"DATA": str(tmp_path), "CLAIM_FOLDER": str(tmp_path), "MUSIC": music}
    made = make_services(from_environment({f"SONIQUEBAY_{name}": value for name, value in variables.items()}))
    made.database.migrate()
    insert(
        made.database,
        file(f"{FIRST}/Ann/B/1.flac", title="One", artist="Ann", album="B"),
        file(f"{FIRST}/Ann/B/2.flac", title="Two", artist="Ann", album="B"),
        file(f"{FIRST}/Ann/0.flac", title="Zero", artist="Ann"),
        file(f"{FIRST}/Ann0/9.flac", title="Nine", artist="Nine"),
        file(f"{FIRST}/Élan/3.flac", title="Three", artist="Élan"),
        file(f"{FIRST}/Gone/4.flac", title="Four", artist="Gone"),
        file(f"{SECOND}/loose.flac", title="Loose", artist="Zoe"),
    )
    with made.database.transaction() as db:
        mark_missing(db, [f"{FIRST}/Gone/4.flac", f"{FIRST}/Ann/B/2.flac"])
        db.execute("UPDATE albums SET cover_sha256 = ?, cover_media_type = 'image/png'", ("a" * 64,))
    made.accounts.make_owner("Ada", "correct horse")
    with made.accounts.change() as db:
        users.add(db, "Bob", "long enough", "listen")
    return made


def read(services: Services, status: int = 200, **query: Any) -> Any:
    _, token = services.accounts.sign_in("Bob", "long enough", "testclient", "")
    client = TestClient(public_app(services), "http://localhost", cookies={COOKIE: token})
    answer = client.get("/api/folders", params=query)
    assert answer.status_code == status, answer.text
    assert FIRST not in answer.text
    assert SECOND not in answer.text
    return answer.json()


def shown(answer: Any) -> tuple[list[tuple[str, str, int]], list[str]]:
    return [(f["name"], f["path"], f["tracks"]) for f in answer["folders"]], [t["title"] for t in answer["tracks"]]


def test_what_lies_in_each_folder(services: Services) -> None:
    assert shown(read(services)) == ([("music", "", 4), ("disk", "", 1)], [])
    top = read(services, root=1)
    assert shown(top) == ([("Ann", "Ann", 2), ("Ann0", "Ann0", 1), ("Élan", "Élan", 1)], [])
    assert (top["name"], [f["has_cover"] for f in top["folders"]]) == ("music", [False, False, False])
    inner = read(services, root=1, path="Ann")
    assert (shown(inner), inner["name"], inner["total"]) == (([("B", "Ann/B", 1)], ["Zero"]), "Ann", 1)
    assert (inner["folders"][0]["album_id"], inner["folders"][0]["has_cover"]) == (1, True)
    assert shown(read(services, root=1, path="Ann/B")) == ([], ["One"])
    assert shown(read(services, root=2)) == ([], ["Loose"])


def test_tracks_come_in_pages(services: Services) -> None:
    insert(services.database, *(file(f"{SECOND}/many/{n}.flac", title=f"{n}") for n in range(5)))
    page = read(services, root=2, path="many", limit=2, offset=2)
    assert ([t["title"] for t in page["tracks"]], page["total"]) == (["2", "3"], 5)


@pytest.mark.parametrize(
    "path", ["Nobody", "..", "../music/Ann", "/Ann", "Ann/", "Ann//B", "Gone", "Ann/0.flac", "%", "An"]
)
def test_a_folder_without_music_is_not_found(services: Services, path: str) -> None:
    read(services, 404, root=1, path=path)


def test_what_makes_no_sense_is_refused(services: Services) -> None:
    read(services, 404, root=3)
    for query in ({"root": 0}, {"root": "x"}, {"root": 1, "path": "a" * 8001}, {"folder": "x"}):
        read(services, 422, **query)
