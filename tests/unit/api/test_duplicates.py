"""The list of duplicates over the API, and how the worker's groups reach it."""

from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from fastapi.testclient import TestClient

from soniquebay.api.duplicate_upkeep import TASK, DuplicateUpkeep
from soniquebay.api.internal import internal_app
from soniquebay.api.public import public_app
from soniquebay.api.server import make_services
from soniquebay.api.services import Services
from soniquebay.audio.feature_schema import FEATURE_VERSION, VECTOR_SIZE
from soniquebay.library import duplicates
from soniquebay.library.duplicates import RULES_VERSION
from soniquebay.library.similarity import vectors
from soniquebay.listeners import users
from soniquebay.settings import from_environment
from tests.unit.songs import file, insert

VECTOR = np.ones(VECTOR_SIZE, "<f4").tobytes()
TRACKS = 6
PASSWORD = "correct horse"  # noqa: S105


@pytest.fixture
def services(tmp_path: Path) -> Services:
    folder = str(tmp_path)
    made = make_services(from_environment({"SONIQUEBAY_DATA": folder, "SONIQUEBAY_CLAIM_FOLDER": folder}))
    made.accounts.make_owner("Ada", PASSWORD)
    with made.accounts.change() as db:
        users.add(db, "Bob", PASSWORD, "listen")
    insert(made.database, *(file(f"/r/{n}.flac", title=f"T{n}", size=100 * n) for n in range(1, TRACKS + 1)))
    with made.database.transaction() as db:
        for n in range(1, TRACKS + 1):
            vectors.store(db, n, FEATURE_VERSION, VECTOR, None)
    return made


def client(services: Services, name: str = "Ada") -> TestClient:
    _, token = services.accounts.sign_in(name, PASSWORD, "testclient", "")
    return TestClient(public_app(services), "http://localhost", cookies={"soniquebay_session": token})


@pytest.fixture
def worker(services: Services) -> Iterator[TestClient]:
    yield TestClient(internal_app(services), "http://api")


def body(services: Services, groups: list[list[int]]) -> dict[str, object]:
    stored = duplicates.state(services.database.reader()).stored
    versions = {"feature_version": FEATURE_VERSION, "rules_version": RULES_VERSION}
    return {"groups": groups, "stored": stored, "cpu_seconds": 0.5, **versions}


def test_what_the_worker_finds_is_listed_with_what_tells_the_files_apart(
    services: Services, worker: TestClient
) -> None:
    manager = client(services)
    before = manager.get("/api/duplicates").json()
    assert before == {"items": [], "total": 0, "next": None, "complete": False}
    assert worker.put("/internal/duplicates", json=body(services, [[1, 3], [2, 5, 6]])).json() == {"changed": 5}
    first = manager.get("/api/duplicates", params={"limit": 1}).json()
    assert (first["total"], first["complete"]) == (2, True)
    (group,) = first["items"]
    assert group["recording"] == 1
    assert [(track["path"], track["size"], track["format"]) for track in group["tracks"]] == [
        ("/r/1.flac", 100, "FLAC"),
        ("/r/3.flac", 300, "FLAC"),
    ]
    assert set(group["tracks"][0]["sound"]) == {"codec", "bit_rate", "sample_rate", "channels", "bit_depth"}
    second = manager.get("/api/duplicates", params={"limit": 1, "cursor": first["next"]}).json()
    assert [track["id"] for track in second["items"][0]["tracks"]] == [2, 5, 6]
    assert (second["total"], second["next"]) == (None, None)


def test_requests_that_do_not_fit_are_refused(services: Services, worker: TestClient) -> None:
    manager = client(services)
    for query in ({"cursor": "x"}, {"cursor": "x", "offset": 1}, {"limit": 501}, {"sort": "title"}):
        assert manager.get("/api/duplicates", params=query).status_code == 422, query
    assert worker.put("/internal/duplicates", json=body(services, [[1]])).status_code == 422
    assert client(services, "Bob").get("/api/duplicates").status_code == 403
    assert manager.put("/internal/duplicates", json=body(services, [[1, 2]])).status_code == 403


def test_the_library_is_compared_once_after_vectors_were_stored(services: Services) -> None:
    dispatcher = Mock(**{"send.return_value": True, "has_messages.return_value": False,
                         "analysis_is_delayed.return_value": False})  # fmt: skip
    upkeep = DuplicateUpkeep(services.database, dispatcher)
    upkeep.run()
    dispatcher.send.assert_called_once_with(TASK)
    with services.database.transaction() as db:
        duplicates.replace(db, [], duplicates.state(db).stored, FEATURE_VERSION, RULES_VERSION)
    compared = DuplicateUpkeep(services.database, dispatcher)  # as after a restart
    compared.run()
    dispatcher.send.assert_called_once_with(TASK)
