"""Docker Compose for the tests of deploy/compose.yml: always Debian's, whatever the user's machine has."""

from __future__ import annotations

from pathlib import Path

from .. import build_root, cache, debian_package, ui
from ..build_root import BuildRoot

PACKAGE = "docker-compose=2.26.1-*"
PROGRAM = "usr/libexec/docker/cli-plugins/docker-compose"
VARIABLE = "SONIQUEBAY_DOCKER_COMPOSE"  # environment variable with its path, for the tests


def ensure(tools: BuildRoot) -> Path:
    """Return the program; download it, which needs root, if it is not there. Raises `ActionableError`."""
    digest = cache.digest(PACKAGE, build_root.inputs_digest())
    found = cache.find("docker-compose", digest)
    if found is None:
        with ui.step("Docker Compose") as step:

            def fetch(folder: Path) -> None:
                folder.mkdir(mode=0o755)
                debian_package.unpack(PACKAGE, folder, tools, step)

            found = cache.make("docker-compose", digest, "", fetch)
    return found / PROGRAM
