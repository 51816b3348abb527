"""Starts deploy/compose.yml by the API of an engine, with the parts of Compose's format that this file uses.

An engine here has no `docker compose`. A key that this reader does not know is an error, so that none is left out in
silence.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).resolve().parents[2] / "deploy/compose.yml"
NANOSECONDS = 1_000_000_000
# Keys that the client of the engine takes as they are.
SAME = {"image", "entrypoint", "command", "user", "group_add", "environment", "read_only", "cap_drop"}
SAME |= {"security_opt", "pids_limit", "mem_limit"}
IGNORED = {"restart", "stop_grace_period"}  # the test restarts and stops


def substituted(value: Any, variables: dict[str, str]) -> Any:
    """Return a value with ${NAME:-default} replaced in its texts."""
    if isinstance(value, dict):
        return {key: substituted(one, variables) for key, one in value.items()}
    if isinstance(value, list):
        return [substituted(one, variables) for one in value]
    if isinstance(value, str):
        return re.sub(r"\$\{(\w+):-([^}]*)\}", lambda found: variables.get(found[1]) or found[2], value)
    return value


class Project:
    """The containers of the file, with their networks and volumes."""

    def __init__(self, client: Any, name: str, variables: dict[str, str]) -> None:
        self.client, self.name = client, name
        self.services = substituted(yaml.safe_load(FILE.read_text()), variables)["services"]
        self.containers: dict[str, Any] = {}
        self.volumes: dict[str, Any] = {}
        self.network = client.networks.create(f"{name}_default")

    def up(self) -> None:
        """Start all services, each with its name in the network."""
        for name, service in self.services.items():
            options = self._options(service)
            if "network" in options:
                alias = self.client.api.create_endpoint_config(aliases=[name])
                options["networking_config"] = {self.network.name: alias}
            self.containers[name] = self.client.containers.run(detach=True, name=f"{self.name}-{name}", **options)

    def _options(self, service: dict[str, Any]) -> dict[str, Any]:
        options: dict[str, Any] = {"network": self.network.name}
        for key, value in service.items():
            if key in SAME:
                options[key] = value
            elif key == "volumes":
                options["volumes"] = [self._volume(volume) for volume in value]
            elif key == "tmpfs":
                options["tmpfs"] = dict(one.split(":") for one in value)
            elif key == "ports":  # the engine chooses the port outside
                options["ports"] = {f"{port.rpartition(':')[2]}/tcp": None for port in value}
            elif key == "ulimits":
                options["ulimits"] = [{"Name": name, "Soft": limit, "Hard": limit} for name, limit in value.items()]
            elif key == "healthcheck":
                options["healthcheck"] = {
                    name: value[name] if name == "test" else int(value[name].removesuffix("s")) * NANOSECONDS
                    for name in value
                }
            elif key == "network_mode":
                del options["network"]
                options["network_mode"] = value
            elif key not in IGNORED:
                raise NotImplementedError(f"{key} of deploy/compose.yml")
        return options

    def _volume(self, text: str) -> str:
        source, _, rest = text.partition(":")
        if source.startswith(("/", ".")):
            return text
        name = f"{self.name}_{source}"
        if source not in self.volumes:
            self.volumes[source] = self.client.volumes.create(name)
        return f"{name}:{rest}"

    def run(self, service: str, *command: str, check: bool = True) -> tuple[int, str]:
        """Run a command in a service as its user; return its status and its output."""
        status, output = self.containers[service].exec_run(list(command))
        text = output.decode(errors="replace")
        assert status == 0 or not check, f"{command} ended with {status}: {text}"
        return status, text

    def port(self, service: str, port: int) -> int:
        """Return the port outside."""
        container = self.containers[service]
        container.reload()
        return int(container.ports[f"{port}/tcp"][0]["HostPort"])

    def logs(self) -> str:
        return "\n".join(
            f"== {name}\n{one.logs(tail=40).decode(errors='replace')}" for name, one in self.containers.items()
        )

    def down(self) -> None:
        for container in self.containers.values():
            container.remove(force=True, v=True)
        for volume in self.volumes.values():
            volume.remove(force=True)
        self.network.remove()
