"""How the image starts its programs, read from the units in the image so that no copy here can differ."""

import io
import shlex
import tarfile
from dataclasses import dataclass
from typing import Any

WORKER = "/etc/systemd/system/soniquebay-worker.service"
API = "/etc/systemd/system/soniquebay-api.service"
REDIS = "/usr/lib/systemd/system/redis-server.service"


@dataclass(frozen=True)
class Program:
    """The settings of a unit that a container can have."""

    command: list[str]
    user: str
    groups: list[str]
    environment: dict[str, str]


class Image:
    """The container image of the card's root file system; its files are read without starting a program in it."""

    def __init__(self, client: Any, name: str) -> None:
        self.name = name
        self._container = client.containers.create(name, "/bin/true")

    def close(self) -> None:
        self._container.remove(force=True)

    def read(self, file: str) -> str:
        chunks, _ = self._container.get_archive(file)
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
            content = archive.extractfile(archive.getmembers()[0])
            assert content is not None, f"{file} is not a file"
            return content.read().decode()

    def program(self, unit: str) -> Program:
        """Return the command of a unit with its user, groups and environment."""
        service = _service(self.read(unit))
        variables = [pair for line in service.get("Environment", []) for pair in shlex.split(line)]
        for file in service.get("EnvironmentFile", []):
            variables += [line for line in self.read(file).splitlines() if line and not line.startswith("#")]
        return Program(
            command=shlex.split(service["ExecStart"][-1]),
            user=f"{service['User'][-1]}:{service['Group'][-1]}",
            groups=service.get("SupplementaryGroups", [""])[-1].split(),
            environment=dict(pair.split("=", 1) for pair in variables),
        )


def _service(unit: str) -> dict[str, list[str]]:
    """Return the settings of a unit's section [Service], each with its values in their order."""
    settings: dict[str, list[str]] = {}
    section = ""
    for line in unit.splitlines():
        if line.startswith("["):
            section = line
        elif section == "[Service]" and "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            settings.setdefault(name, []).append(value)
    return settings
