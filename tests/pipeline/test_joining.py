"""A machine joins, works as a Celery worker that Flower shows, and is revoked: the whole stack, by its commands."""

import json
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import click
import httpx
import pytest
import redis

from soniquebay import joining
from soniquebay.cli import remote_workers
from soniquebay.worker.remote import Credentials
from tests.support.remote_tasks import NOTES
from tests.support.stack import Stack, free_port, wait_until


def is_open(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def test_a_machine_joins_and_is_revoked(tmp_path: Path) -> None:
    music = tmp_path / "music"
    music.mkdir()
    port, folder = free_port(), tmp_path / "laptop"
    stack = Stack(music, tmp_path / "data", login=True, SONIQUEBAY_WORKER_PROXY_PORT=str(port))
    worker = None
    try:
        assert not is_open(port)
        assert not (stack.data / "authority").exists()
        assert "no worker on another machine" in stack.cli("workers", control=True).stderr
        code = json.loads(stack.cli("join-code", "--json", control=True).stdout)["code"]
        assert not is_open(port)

        with pytest.raises(click.ClickException, match="no valid join code"):
            remote_workers.join(stack.url, "wrong", "laptop", folder)
        Credentials(**remote_workers.join(stack.url, code, "laptop", folder)).write(folder)
        assert {file.name for file in folder.iterdir() if file.stat().st_mode & 0o077} == set()
        wait_until(lambda: is_open(port), 30)

        log = tmp_path / "worker.log"
        with log.open("wb") as output:
            worker = subprocess.Popen(
                [sys.executable, "-m", "tests.support.remote_program", str(folder)],
                env={**stack.environment(), NOTES: str(tmp_path / "notes")}, stdout=output, stderr=output,
                cwd=Path(__file__).parents[2],
            )  # fmt: skip
        wait_until(lambda: " ready." in log.read_text(), 60)
        # It is one of the workers, for Flower as for the API.
        environment = stack.environment()
        asked = subprocess.run(
            [sys.executable, "-c", "from soniquebay.worker.app import app; print(app.control.ping(timeout=5))"],
            env=environment, capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        assert "remote@laptop" in asked.stdout and "worker@" in asked.stdout
        assert stack.cli("workers", control=True).stdout.startswith("laptop: joined ")

        assert "no worker desk" in stack.cli("workers", "revoke", "desk", control=True, check=False).stderr
        # Another one, which is not there: nothing of it stays in Redis.
        code = json.loads(stack.cli("join-code", "--json", control=True).stdout)["code"]
        remote_workers.join(stack.url, code, "desk", tmp_path / "desk")
        send = "from soniquebay.worker.app import send_many_to; send_many_to('vector@desk', 'vector.calculate', [{}])"
        subprocess.run([sys.executable, "-c", send], env=environment, check=True, timeout=60)
        with redis.Redis.from_url(environment["SONIQUEBAY_REDIS"]) as broker:
            assert len(broker.keys("*vector@desk*")) == 1
            stack.cli("workers", "revoke", "desk", control=True)
            assert broker.keys("*vector@desk*") == []

        assert is_open(port)
        stack.cli("workers", "revoke", "laptop", control=True)
        wait_until(lambda: not is_open(port), 30)
        wait_until(lambda: "Connection refused" in log.read_text() or "closed" in log.read_text(), 30)
        assert httpx.get(f"{stack.url}/api/health", timeout=10).status_code == 200
    finally:
        if worker is not None:
            worker.kill()
            worker.wait()
        stack.stop()


class Pretender(BaseHTTPRequestHandler):
    """Answers as the appliance does, without the join code."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        proof = joining.answer_proof("guess", "request", "certificate", "authority", 6380)
        answer = {"certificate": "certificate", "authority": "authority", "port": 6380, "proof": proof}
        self.send_response(201)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())


def test_something_else_than_the_appliance_is_not_trusted(tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), Pretender) as server:
        threading.Thread(target=server.handle_request).start()
        with pytest.raises(click.ClickException, match="does not know the join code"):
            remote_workers.join(f"http://127.0.0.1:{server.server_port}", joining.make_code(), "laptop", tmp_path / "x")
    assert {file.name for file in (tmp_path / "x").iterdir()} == {"worker-key.pem"}
