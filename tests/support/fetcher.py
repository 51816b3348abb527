"""The fetcher as a program of its own, and a client of it."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from soniquebay.online.fetcher import MIN_REQUEST_INTERVAL_SECONDS
from tests.support.stack import wait_until

PROGRAM = """
import sys
from soniquebay.cli import main
from soniquebay.online import fetcher
fetcher.MIN_REQUEST_INTERVAL_SECONDS = float(sys.argv[1])
main(["online"])
"""


class FetcherProcess:
    """A running fetcher, and a client of it.

    `interval_seconds`: the least between two requests to one service, for tests of what is sent.
    """

    def __init__(self, folder: Path, interval_seconds: float = MIN_REQUEST_INTERVAL_SECONDS, **settings: str) -> None:
        self.socket = folder / "online.sock"
        environment = {**os.environ, "SONIQUEBAY_ONLINE_SOCKET": str(self.socket), **settings}
        self.process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(interval_seconds)], env=environment)
        wait_until(self.socket.exists)
        transport = httpx.HTTPTransport(uds=str(self.socket))
        self.client = httpx.Client(transport=transport, base_url="http://online", timeout=90)

    def get(self, path: str, **query: str) -> tuple[int, Any]:
        """Return the status, and the body or the problem."""
        response = self.client.get(path, params=query)
        return response.status_code, response.content if response.status_code == 200 else response.json()

    def post(self, path: str, body: bytes = b"", token: str = "") -> tuple[int, Any]:
        """Return the status, and the answer or the problem."""
        headers = {"Authorization": f"Token {token}"} if token else {}
        response = self.client.post(path, content=body, headers=headers)
        return response.status_code, response.json()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)
