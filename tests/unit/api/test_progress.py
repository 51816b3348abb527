"""What a progress event says beside the numbers of the session."""

from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from soniquebay.api.internal import internal_app
from soniquebay.api.server import make_services
from soniquebay.library import sessions
from soniquebay.library.catalogue.message import entities
from soniquebay.settings import from_environment
from tests.unit.songs import file


@pytest.mark.parametrize(
    ("name", "folder"), [("Ada/First/song.flac", "Ada/First"), ("song.flac", None), ("../elsewhere/song.flac", None)]
)
def test_the_folder_that_was_inserted_last_is_told_without_its_root(
    tmp_path: Path, name: str, folder: str | None
) -> None:
    variables = {"DATA": tmp_path, "CLAIM_FOLDER": tmp_path, "MUSIC": f"{tmp_path}/none:{tmp_path}/music"}
    services = make_services(from_environment({f"SONIQUEBAY_{key}": str(value) for key, value in variables.items()}))
    path = str(tmp_path / "elsewhere/song.flac" if name.startswith("..") else tmp_path / "music" / name)
    with services.database.transaction() as db:
        session_id = sessions.start(db)
        sessions.register_batch(db, session_id, "one", [{"path": path, "size": 1, "mtime_ns": 1}])
    before = services.progress.snapshot(services.database.reader(), session_id)
    assert before is not None and before["folder"] is None
    client = TestClient(internal_app(services), "http://localhost")
    answer: httpx.Response = client.post("/internal/batches/one", json=entities([file(path)]))
    assert answer.status_code == 200, answer.text
    after = services.progress.snapshot(services.database.reader(), session_id)
    assert after is not None and (after["inserted"], after["folder"]) == (1, folder)
