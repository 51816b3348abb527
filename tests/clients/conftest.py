"""The clients, installed from pinned packages into an environment of their own, and the stack that they play from.

A module of tests has its own fixture `music`: the folder that the stack serves.
"""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support import published_clients
from tests.support.stack import Stack, wait_until

OWNER = {"name": "Ada", "password": "correct horse"}


@pytest.fixture(scope="session")
def environment() -> Path:
    """Return the folder of the clients."""
    return published_clients.environment(with_npm=True)


@pytest.fixture(scope="module")
def stack(music: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    running = Stack(music, tmp_path_factory.mktemp("data"), login=True)
    running.cli("scan", "--wait-vectors", control=True)
    wait_until(running.pictures_are_found)
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def login(stack: Stack) -> tuple[str, str, str]:
    """Return the address, the user and an app password."""
    link = next(line for line in stack.output if "Make it yours: " in line).split(": ", 1)[1].strip()
    with httpx.Client(base_url=stack.url, timeout=30) as owner:
        assert owner.post("/api/claim", json={"code": link.partition("code=")[2], **OWNER}).status_code == 201
        made = owner.post("/api/account/app-passwords", json={"name": "client", "role": "listen"})
        return stack.url, OWNER["name"], made.json()["password"]
