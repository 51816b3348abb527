"""Settings, routing, Flower's authentication, and what discovery makes of odd folders."""

import base64
import os
import socket
from pathlib import Path

import pytest

from soniquebay.flower import ensure_password, is_authenticated, read_password
from soniquebay.library.paths import decode, encode
from soniquebay.pipeline.extract import extract
from soniquebay.pipeline.walk import Walk
from soniquebay.settings import from_environment
from soniquebay.worker.config import PIPELINE, QUEUES, TASKS, VISIBILITY_TIMEOUT, celery_settings


def test_each_of_the_eight_queues_has_a_routing_key_of_its_own() -> None:
    queues = celery_settings(from_environment({}))["task_queues"]
    assert {q.name for q in queues} == {
        "scan", "extract", "batch", "insert", "vector", "deferred", "covers", "maintenance"
    }  # fmt: skip
    assert all(q.routing_key == q.name for q in queues)


def test_every_task_is_routed_and_every_route_is_a_task() -> None:
    from soniquebay.worker.app import app

    for module in PIPELINE:
        __import__(module)
    ours = {name for name, task in app.tasks.items() if task.__module__.startswith("soniquebay.")}
    assert ours == set(TASKS)
    assert set(QUEUES) == {queue for queue, _ in TASKS.values()}


def test_limits_are_in_celerys_units() -> None:
    table = celery_settings(from_environment({}))
    assert table["worker_max_memory_per_child"] == 500 * 1024  # KiB
    assert table["worker_max_tasks_per_child"] == 500
    assert table["task_time_limit"] == 7200
    places = (table, table["broker_transport_options"], table["result_backend_transport_options"])
    assert [place["visibility_timeout"] for place in places] == [VISIBILITY_TIMEOUT] * 3
    assert VISIBILITY_TIMEOUT > 7200


def test_every_setting_is_one_that_celery_knows() -> None:
    from celery.app.defaults import NAMESPACES, flatten

    known = {name for name, _ in flatten(NAMESPACES)}
    documented_all_the_same = {"visibility_timeout"}
    assert celery_settings(from_environment({})).keys() - known == documented_all_the_same


def test_the_broker_address_is_spelt_for_celery() -> None:
    assert from_environment({"SONIQUEBAY_REDIS": "unix:///r.sock"}).broker_url == "redis+socket:///r.sock"
    assert from_environment({"SONIQUEBAY_REDIS": "redis://h:1/0"}).broker_url == "redis://h:1/0"


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1"])
def test_a_wrong_port_is_named(port: str) -> None:
    with pytest.raises(ValueError, match="SONIQUEBAY_HTTP_PORT"):
        from_environment({"SONIQUEBAY_HTTP_PORT": port})


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_only_the_user_with_the_password_is_authenticated() -> None:
    assert is_authenticated(basic("soniquebay", "s3cret:ä"), "s3cret:ä")
    for header in ("", "Basic", "Basic !!!", "Bearer x", basic("soniquebay", ""), basic("admin", "s3cret:ä")):
        assert not is_authenticated(header, "s3cret:ä")


def test_a_password_is_made_once_and_never_empty(tmp_path: Path) -> None:
    path = tmp_path / "new" / "password"
    password = ensure_password(path)
    assert len(password) >= 16
    assert ensure_password(path) == password
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("\n")
    with pytest.raises(SystemExit, match="empty"):
        read_password(path)


def test_a_walk_goes_on_past_everything_odd(tmp_path: Path) -> None:
    root = tmp_path / "music"
    (root / "sub" / "deep").mkdir(parents=True)
    for name in ("b.mp3", "sub/a.flac", "sub/deep/c.ogg", "cover.jpg"):
        (root / name).write_bytes(b"x")
    Path(os.fsdecode(os.fsencode(root) + b"/caf\xe9.ogg")).write_bytes(b"x")
    for ignored in ("lost+found", ".Trash-1000", "$RECYCLE.BIN"):
        (root / ignored).mkdir()
        (root / ignored / "x.mp3").write_bytes(b"x")
    (root / "loop").symlink_to(root)
    (root / "dangling.mp3").symlink_to(tmp_path / "gone")
    os.mkfifo(root / "pipe.mp3")
    os.utime(root / "b.mp3", ns=(15 * 10**18, 15 * 10**18))  # the year 2445
    walk = Walk(frozenset({encode(str(tmp_path / "missing"))}))
    files = [*walk.files(str(root)), *walk.files(str(tmp_path / "missing"))]
    assert max(mtime_ns for _, _, mtime_ns in files) < 2**63  # what the database holds
    found = [decode(path).removeprefix(os.fsencode(root)) for path, size, _ in files if size >= 0]
    assert sorted(found) == [b"/b.mp3", b"/caf\xe9.ogg", b"/sub/a.flac", b"/sub/deep/c.ogg"]
    reasons = {Path(f["path"]).name: f["reason"] for f in walk.failures}
    assert reasons == {
        "dangling.mp3": "cannot be read: No such file or directory",
        "pipe.mp3": "not a regular file",
        "missing": "cannot be read: No such file or directory",
    }


def test_an_empty_file_is_a_failure_with_its_reason() -> None:
    assert extract({"path": "/x.mp3", "size": 0, "mtime_ns": 1}) == {
        "path": "/x.mp3", "reason": "the file is empty", "bad_content": True
    }  # fmt: skip


def test_systemd_is_told_that_a_service_is_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from soniquebay.systemd import listen_sockets, notify

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        notify("READY=1")
        assert listener.recv(100) == b"READY=1"
    monkeypatch.setenv("LISTEN_PID", "1")
    monkeypatch.setenv("LISTEN_FDS", "1")
    assert listen_sockets() == []
