"""Makes a container image of the card's root file system, and runs commands that use it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .. import binfmt, build, build_root, cache, partitions, profile, release, ui
from ..build_root import BuildRoot
from ..errors import ActionableError
from ..ui import Step
from . import engine
from .engine import Engine

REPOSITORY = "soniquebay/appliance"
IMAGE_VARIABLE = "SONIQUEBAY_CONTAINER_IMAGE"  # environment variable with the image's name, for the tests
# Only a machine that boots needs these, and they are a third of the root file system.
EXCLUDED_PATHS = (
    *("./boot/*", "./usr/lib/linux-image-*", "./usr/lib/modules/*", "./usr/lib/firmware/*"),
    *("./usr/lib/raspi-firmware/*", "./lost+found"),
)
# Folders that systemd makes when the units start, with owner, group and mode. An engine copies them to new volumes.
RUNTIME_FOLDERS = {
    "run/redis": ("redis", "redis", 0o2755),
    "run/soniquebay": ("soniquebay-api", "soniquebay", 0o755),
    "var/lib/soniquebay": ("soniquebay-api", "soniquebay", 0o750),
}


def run(command: Sequence[str], profile_name: str = "debian") -> int:
    """Run a command with the engine and the container image in its environment, and return its exit status."""
    tools = build_root.ensure()
    card = build.build(profile_name)
    key = _key(profile_name)
    with binfmt.arm64_programs(tools), engine.running() as docker_engine:
        name = ensure(docker_engine, card, key, tools)
        environment = {**os.environ, **docker_engine.environment, IMAGE_VARIABLE: name}
        return subprocess.run([*docker_engine.prefix, *command], env=environment, check=False).returncode


def _key(profile_name: str) -> str:
    chosen = profile.load(profile_name)
    return cache.digest(build.inputs_digest(chosen, release.ensure(build_root.ensure())), Path(__file__))


def ensure(docker_engine: Engine, card: Path, key: str, tools: BuildRoot) -> str:
    """Return the name of the container image, and make it in this engine unless it exists."""
    import docker

    client, name, title = docker_engine.client(), f"{REPOSITORY}:{key}", "Container image of the card's root"
    try:
        client.images.get(name)
        ui.cached(title)
    except docker.errors.ImageNotFound:
        with ui.step(title) as step:
            work = cache.entry_path("docker", "tmp-root")
            cache.remove(work)
            try:
                unpack(card, work, tools, step)
                _import(client, work, key, step)
            finally:
                cache.remove(work)
        remove_other_tags(client, name)
    return name


def unpack(card: Path, root: Path, tools: BuildRoot, step: Step) -> None:
    """Copy the root file system out of a card image with debugfs: owners and modes, but no extended attributes.

    Raises `ActionableError` when the card cannot be read.
    """
    cache.require_free_space(4)
    root.mkdir(parents=True)
    start = partitions.read(card)[1].start
    step.report_status("reading the card")
    step.run(
        tools.native("debugfs", "-R", f'rdump / "{root}"', f"{card}?offset={start}"),
        env=tools.environment(DEBUGFS_PAGER="cat"),
    )
    if not (root / "usr/bin/redis-server").exists():  # debugfs ends with 0 even when it fails
        raise ActionableError(f"{card} could not be read.", f"Full log: {step.log}")
    users, groups = _ids(root / "etc/passwd"), _ids(root / "etc/group")
    for name, (user, group, mode) in RUNTIME_FOLDERS.items():
        folder = root / name
        folder.mkdir(parents=True, exist_ok=True)
        os.chown(folder, users[user], groups[group])
        folder.chmod(mode)


def _ids(table: Path) -> dict[str, int]:
    fields = (line.split(":") for line in table.read_text().splitlines())
    return {name: int(identifier) for name, _, identifier, *_ in fields}


def _import(client: Any, root: Path, key: str, step: Step) -> None:
    step.report_status("import into the engine")
    command = [
        "tar",
        "--numeric-owner",
        *(f"--exclude={pattern}" for pattern in EXCLUDED_PATHS),
        "-C",
        str(root),
        "-cf",
        "-",
        ".",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as tar:
        # no platform is given: engine 20.10 would record the host's platform and then refuse to run the image
        client.api.import_image_from_data(tar.stdout, repository=REPOSITORY, tag=key)
    if tar.returncode:
        raise ActionableError("The root file system could not be packed.")


def remove_other_tags(client: Any, name: str) -> None:
    """Remove the images of a name's repository that have another tag."""
    for image in client.images.list(name.partition(":")[0]):
        for tag in image.tags:
            if tag != name:
                client.images.remove(tag, force=True)
