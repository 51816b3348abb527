"""The pinned requirements are all that the programs need: nothing comes from a developer's machine by chance."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
IMPORT_ALL = """
import importlib, pkgutil, sys
sys.path[:0] = sys.argv[1:]
import kombu.transport.redis, celery.bin.worker, celery.apps.worker, flower.command, uvicorn.lifespan.off
import soniquebay
for module in pkgutil.walk_packages(soniquebay.__path__, "soniquebay."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print("complete")
"""


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install what requirements.lock pins into a folder of its own."""
    folder = tmp_path_factory.mktemp("libraries")
    uv = [str(Path(sys.executable).with_name("uv")), "pip", "install", "-q", "--python", sys.executable]
    lock = ["--require-hashes", "-r", str(ROOT / "requirements.lock")]
    subprocess.run([*uv, "--target", str(folder), *lock], check=True)
    return folder


def test_every_module_is_imported_from_the_lock_alone(libraries: Path) -> None:
    command = [sys.executable, "-IS", "-c", IMPORT_ALL, str(libraries), str(ROOT / "app")]
    run = subprocess.run(command, check=False, capture_output=True, text=True)
    assert run.stdout == "complete\n", run.stderr


def test_the_lock_carries_hashes_and_no_addresses() -> None:
    for lock in (*ROOT.glob("requirements*.lock"), ROOT / "tests/clients/requirements.lock"):
        text = lock.read_text()
        assert "--hash=sha256:" in text
        assert "://" not in text
        assert "--index-url" not in text


def test_the_lock_of_npm_carries_hashes_and_no_addresses() -> None:
    packages = json.loads((ROOT / "tests/clients/subsonic_api/package-lock.json").read_text())["packages"]
    del packages[""]
    assert packages
    for package in packages.values():
        assert package["integrity"].startswith("sha512-")
        assert "resolved" not in package
