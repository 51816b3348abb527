"""Offers of releases by the API: what is told, an upload in parts, and the request for root's program."""

import asyncio
import fcntl
import json
import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from soniquebay import __version__
from soniquebay.api import release_offers, release_upload
from soniquebay.api.public import public_app
from soniquebay.api.server import make_services
from soniquebay.api.services import Services
from soniquebay.cli import operate
from soniquebay.listeners import users
from soniquebay.releases import offers, request
from soniquebay.releases.journal import Journal, Upgrade
from soniquebay.releases.versions import archive_name
from soniquebay.settings import from_environment
from tests.support.stack import wait_until

NEWER = "9.1"
NAME = archive_name(NEWER)
KEY = 'soniquebay namespaces="soniquebay-release" ssh-ed25519 AAAA\n'


@pytest.fixture
def services(tmp_path: Path) -> Services:
    (tmp_path / "opt/releases" / __version__).mkdir(parents=True)
    (tmp_path / "opt/current").symlink_to(Path("releases", __version__))
    (tmp_path / "opt/current/SIGNERS").write_text(KEY)
    (tmp_path / "music").mkdir()
    variables = {
        "DATA": tmp_path / "data", "CLAIM_FOLDER": tmp_path, "MUSIC": tmp_path / "music", "RELEASES": tmp_path / "opt",
    }  # fmt: skip
    (tmp_path / "data").mkdir()
    made = make_services(from_environment({f"SONIQUEBAY_{name}": str(value) for name, value in variables.items()}))
    made.accounts.make_owner("Ada", "correct horse")
    with made.accounts.change() as db:
        users.add(db, "Bob", "long enough", "listen")
    return made


def client_of(services: Services, name: str, password: str) -> TestClient:
    _, token = services.accounts.sign_in(name, password, "testclient", "")
    return TestClient(public_app(services), "http://localhost", cookies={"soniquebay_session": token})


@pytest.fixture
def owner(services: Services) -> TestClient:
    return client_of(services, "Ada", "correct horse")


@pytest.fixture
def root(services: Services) -> Path:
    assert services.settings.releases is not None
    return services.settings.releases


def put(folder: Path, version: str = NEWER) -> Path:
    path = folder / archive_name(version)
    path.write_bytes(b"archive")
    path.with_name(f"{path.name}.sig").write_bytes(b"signature")
    return path


def state(owner: TestClient) -> Any:
    answer = owner.get("/api/updates")
    assert answer.status_code == 200, answer.text
    return answer.json()


def begin(owner: TestClient, size: int = 20, name: str = NAME) -> Any:
    return owner.post("/api/updates/upload", json={"name": name, "bytes": size, "signature": "signed"})


def send(owner: TestClient, upload: str, offset: int, part: bytes) -> Any:
    return owner.put("/api/updates/upload", params={"upload": upload, "offset": offset}, content=part)


def asked_for(services: Services) -> str:
    told: dict[str, str] = json.loads((services.settings.data / "update/request.json").read_bytes())
    return told["archive"]


def test_a_machine_without_an_offer_says_what_runs(owner: TestClient) -> None:
    assert state(owner) == {
        "version": __version__, "installable": True, "trusts_keys": True, "offers": [], "silent": False,
        "upload": None, "installing": None, "refused": None, "upgrades": [],
    }  # fmt: skip


def test_a_newer_release_is_offered_and_asked_for(services: Services, owner: TestClient) -> None:
    (music,) = services.settings.music
    put(music, "0.0.1")
    archive = put(music)
    newer, older = state(owner)["offers"]
    assert newer == {"path": str(archive), "version": NEWER, "bytes": 7, "place": "drive", "state": "newer"}
    assert (older["version"], older["state"]) == ("0.0.1", "older")
    answer = owner.post("/api/updates/install", json={"path": newer["path"]})
    assert (answer.status_code, answer.json()["installing"]) == (202, {"version": "", "step": "requested"})
    assert asked_for(services) == str(archive)
    again = owner.post("/api/updates/install", json={"path": newer["path"]})
    assert (again.status_code, "is being installed: wait for its end" in again.text) == (409, True)


def test_only_what_is_offered_and_newer_and_signed_can_be_asked_for(services: Services, owner: TestClient) -> None:
    (music,) = services.settings.music
    elsewhere = music.parent / "elsewhere"
    elsewhere.mkdir()
    (music / archive_name("9.4")).symlink_to(put(elsewhere))
    older, unsigned = put(music, "0.0.1"), put(music, "9.2")
    unsigned.with_name(f"{unsigned.name}.sig").unlink()
    for path, status in (
        (put(elsewhere), 404),
        (f"{music}/../elsewhere/{NAME}", 404),
        ("/etc/passwd", 404),
        ("", 404),
        (older, 409),
        (unsigned, 409),
        (music / archive_name("9.4"), 409),
    ):
        answer = owner.post("/api/updates/install", json={"path": str(path)})
        assert answer.status_code == status, path
    assert not request.waits(services.settings.data)


def test_a_listener_sees_and_does_nothing_of_it(services: Services) -> None:
    put(services.settings.music[0])
    listener = client_of(services, "Bob", "long enough")
    answers = [
        listener.get("/api/updates"),
        listener.post("/api/updates/install", json={"path": str(services.settings.music[0] / NAME)}),
        begin(listener),
        send(listener, "x", 0, b"x"),
    ]
    assert [answer.status_code for answer in answers] == [403] * 4
    assert not (services.settings.data / "update").exists()


def test_a_machine_that_installs_nothing_says_so(services: Services, owner: TestClient, root: Path) -> None:
    archive = put(services.settings.music[0])
    (root / "current/SIGNERS").unlink()
    assert state(owner)["trusts_keys"] is False
    answer = owner.post("/api/updates/install", json={"path": str(archive)})
    assert (answer.status_code, "trusts no keys" in answer.text) == (409, True)


def test_outside_the_appliance_nothing_is_installed(
    services: Services, owner: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = put(services.settings.music[0])
    variables = {"MUSIC": services.settings.music[0], "DATA": services.settings.data}
    other = from_environment({f"SONIQUEBAY_{name}": str(value) for name, value in variables.items()})
    monkeypatch.setattr(services, "releases", release_offers.ReleaseOffers(other))
    assert state(owner)["installable"] is False
    answer = owner.post("/api/updates/install", json={"path": str(archive)})
    assert (answer.status_code, "on the appliance only" in answer.text) == (409, True)


def test_a_drive_that_hangs_holds_up_no_other(
    services: Services, owner: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive, find = put(services.settings.music[0]), offers.find
    monkeypatch.setattr(offers, "places", lambda *_: [b"/hangs", os.fsencode(archive.parent)])
    monkeypatch.setattr(
        offers, "find", lambda folder, running: time.sleep(1) or [] if folder == b"/hangs" else find(folder, running)
    )
    monkeypatch.setattr(release_offers, "LOOK_SECONDS", 0.3)
    told = state(owner)
    assert (told["silent"], [offer["path"] for offer in told["offers"]]) == (True, [str(archive)])
    monkeypatch.setattr(offers, "find", find)
    wait_until(lambda: not state(owner)["silent"])


def test_an_upload_arrives_in_parts_and_is_offered(services: Services, owner: TestClient) -> None:
    begun = begin(owner)
    assert begun.status_code == 201, begun.text
    upload = begun.json()["id"]
    assert send(owner, upload, 0, b"0123456789").json()["received"] == 10
    assert state(owner)["upload"] == {"id": upload, "name": NAME, "bytes": 20, "received": 10}
    assert state(owner)["offers"] == []
    last = send(owner, upload, 10, b"abcdefghij")
    assert (last.status_code, last.json()) == (200, None)
    told = state(owner)
    assert told["upload"] is None
    (offer,) = told["offers"]
    assert (offer["version"], offer["place"], offer["state"], offer["bytes"]) == (NEWER, "upload", "newer", 20)
    folder = services.settings.data / "update"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        NAME: b"0123456789abcdefghij", f"{NAME}.sig": b"signed",
    }  # fmt: skip
    assert owner.post("/api/updates/install", json={"path": offer["path"]}).status_code == 202
    assert asked_for(services) == str(folder / NAME)


def test_the_next_upload_takes_the_place_of_the_last(services: Services, owner: TestClient) -> None:
    for version in ("9.1", "9.2"):
        upload = begin(owner, 1, archive_name(version)).json()["id"]
        assert send(owner, upload, 0, b"x").status_code == 200
    assert [offer["version"] for offer in state(owner)["offers"]] == ["9.2"]


@pytest.mark.parametrize(
    "name",
    [
        "../soniquebay-9.1-aarch64.tar.gz",
        "soniquebay-../../9-aarch64.tar.gz",
        "request.json",
        "a\0b",
        "/etc/passwd",
        "",
    ],
)
def test_a_file_of_another_name_is_refused(services: Services, owner: TestClient, name: str) -> None:
    answer = begin(owner, name=name)
    assert (answer.status_code, "is named soniquebay-<version>-aarch64.tar.gz" in answer.text) == (422, True)
    assert not (services.settings.data / "update").exists()


def test_a_huge_file_is_refused_before_it_is_sent(owner: TestClient) -> None:
    answer = begin(owner, offers.MAX_ARCHIVE_BYTES + 1)
    assert (answer.status_code, "at most 512 MB" in answer.text) == (413, True)


def test_a_signature_that_is_none_is_refused(owner: TestClient) -> None:
    body = {"name": NAME, "bytes": 20, "signature": "x" * (offers.MAX_SIGNATURE_BYTES + 1)}
    assert owner.post("/api/updates/upload", json=body).status_code == 422


def test_room_is_checked_before_anything_is_written(
    services: Services, owner: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = SimpleNamespace(f_bavail=70, f_frsize=1 << 20)
    monkeypatch.setattr(os, "statvfs", lambda _: space)
    answer = begin(owner, 10 << 20)
    assert (answer.status_code, "needs 84 MB on the card, and 70 MB are free: make room" in answer.text) == (507, True)
    assert list((services.settings.data / "update").iterdir()) == []


def test_a_disk_that_fills_meanwhile_keeps_nothing_of_it(
    services: Services, owner: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = begin(owner).json()["id"]
    real = Path.open

    def full(self: Path, mode: str = "r", **more: Any) -> Any:
        return real(Path("/dev/full"), "wb", buffering=0) if mode == "ab" else real(self, mode, **more)

    monkeypatch.setattr(Path, "open", full)
    answer = send(owner, upload, 0, b"x" * 10)
    assert (answer.status_code, answer.json()["code"]) == (507, "disk_full")
    assert list((services.settings.data / "update").iterdir()) == []
    assert state(owner)["upload"] is None


def test_parts_come_in_their_order_and_fit(owner: TestClient) -> None:
    upload = begin(owner).json()["id"]
    assert send(owner, upload, 0, b"12345").status_code == 200
    for offset, part, status in (
        (0, b"12345", 409),
        (6, b"x", 409),
        (5, b"", 422),
        (5, b"x" * 16, 422),
        (-1, b"x", 422),
    ):
        assert send(owner, upload, offset, part).status_code == status, (offset, part)
    assert send(owner, "another", 5, b"x").status_code == 404
    assert send(owner, upload, 5, b"x" * ((1 << 20) + 1)).status_code == 413
    assert send(owner, upload, 5, b"x" * 15).json() is None


def test_one_upload_runs_at_a_time_and_can_be_cancelled(services: Services, owner: TestClient) -> None:
    upload = begin(owner).json()["id"]
    send(owner, upload, 0, b"12345")
    second = begin(owner)
    assert (second.status_code, "is being uploaded already" in second.text) == (409, True)
    assert owner.delete("/api/updates/upload", params={"upload": "another"}).status_code == 404
    assert owner.delete("/api/updates/upload", params={"upload": upload}).status_code == 204
    assert list((services.settings.data / "update").iterdir()) == []
    assert begin(owner).status_code == 201


def test_an_upload_that_was_left_is_given_up(tmp_path: Path) -> None:
    now = [0.0]
    receiver = release_upload.ReleaseUpload(tmp_path, lambda: now[0])
    upload = receiver.begin(NAME, 20, "signed")
    now[0] = release_upload.ABANDONED_SECONDS
    receiver.append(upload.id, 0, b"12345")
    now[0] += release_upload.ABANDONED_SECONDS
    receiver.tidy()
    assert receiver.state is not None
    now[0] += 1
    receiver.tidy()
    assert receiver.state is None
    assert list((tmp_path / "update").iterdir()) == []


def test_what_an_earlier_process_has_left_is_removed(tmp_path: Path) -> None:
    """A new release that runs has no use for the archive that it came from."""
    folder = tmp_path / "update"
    folder.mkdir()
    (folder / "upload.partial").touch()
    kept = put(folder)
    put(folder, __version__)
    release_upload.ReleaseUpload(tmp_path).tidy()
    assert {path.name for path in folder.iterdir()} == {kept.name, f"{kept.name}.sig"}


def test_the_steps_of_an_upgrade_are_told(services: Services, owner: TestClient, root: Path) -> None:
    archive = put(services.settings.music[0])
    owner.post("/api/updates/install", json={"path": str(archive)})
    with request.serving(root) as lock:
        assert request.take(services.settings.data) == os.fsencode(archive)
        request.note_serving(lock, NEWER)
        assert state(owner)["installing"] == {"version": NEWER, "step": "checking"}
        journal = Journal(root)
        journal.begin(Upgrade(__version__, NEWER, "prepared", time.time()))
        for step in ("prepared", "switching", "healthy"):
            journal.note(step=step)
            assert state(owner)["installing"] == {"version": NEWER, "step": step}
        journal.note(step="undone", reason="it is sick")
        assert state(owner)["installing"] is None  # root's program is about to end
    told = state(owner)
    (past,) = told["upgrades"]
    assert (past["old"], past["new"], past["step"], past["reason"]) == (__version__, NEWER, "undone", "it is sick")
    assert told["installing"] is told["refused"] is None


def test_why_it_was_refused_is_told(owner: TestClient, root: Path) -> None:
    request.note_refusal(root, NEWER, "the key is not trusted")
    told = state(owner)["refused"]
    assert (told["version"], told["reason"]) == (NEWER, "the key is not trusted")


def test_a_request_that_nobody_takes_is_told(
    services: Services, owner: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = put(services.settings.music[0])
    monkeypatch.setattr(request, "TAKEN_SECONDS", 0.0)
    assert owner.post("/api/updates/install", json={"path": str(archive)}).status_code == 202
    told = wait_until(lambda: (found := state(owner))["refused"] and found)
    assert "has not taken the request" in told["refused"]["reason"]
    assert told["installing"] is None
    assert owner.post("/api/updates/install", json={"path": str(archive)}).status_code == 202


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 7, "more": 8}'])
def test_files_of_root_that_are_damaged_end_nothing(owner: TestClient, root: Path, content: str) -> None:
    (root / request.REFUSAL_FILE).write_text(content)
    (root / request.LOCK_FILE).write_text(content)
    assert state(owner)["refused"] is None
    with (root / request.LOCK_FILE).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert state(owner)["installing"]["step"] == "checking"


def test_the_status_says_how_to_install_it(services: Services, owner: TestClient, root: Path) -> None:
    folder = services.settings.music[0]
    archive = put(folder)
    put(folder, "9.0").with_name(f"{archive_name('9.0')}.sig").unlink()
    lines = list(operate._lines_about(state(owner)))
    assert lines == [
        f"release {NEWER} is offered: {archive}",
        f"install it on the page, under Machine, or: sudo soniquebay release take {archive}",
        f"release 9.0 is not offered, because no signature lies beside it: {folder / archive_name('9.0')}",
    ]
    request.note_refusal(root, NEWER, "the key is not trusted")
    assert f"release {NEWER} was not installed: the key is not trusted" in operate._lines_about(state(owner))
    Journal(root).begin(Upgrade(__version__, NEWER, "switching", time.time()))
    assert list(operate._lines_about(state(owner))) == [f"release {NEWER} is being installed: switching"]


def test_two_requests_at_the_same_time_are_one(services: Services) -> None:
    archive = put(services.settings.music[0])

    async def both() -> list[Any]:
        asked = (services.releases.install(str(archive)) for _ in range(2))
        return await asyncio.gather(*asked, return_exceptions=True)

    answers = asyncio.run(both())
    assert sum(isinstance(answer, release_offers.InstallError) for answer in answers) == 1, answers
