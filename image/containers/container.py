"""The image's own root filesystem as a container image, and commands that find it in an engine."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .. import binfmt, build, build_root, cache, partitions, profile, release
from ..build_root import BuildRoot
from ..errors import ActionableError
from ..ui import Step, cached, step
from . import engine
from .engine import Engine

REPOSITORY = "soniquebay/appliance"
NAMED_IN = "SONIQUEBAY_CONTAINER_IMAGE"  # the environment variable by which the tests find it
# What boots a machine is of no use in a container, and a third of the whole.
LEFT_OUT = (
    *("./boot/*", "./usr/lib/linux-image-*", "./usr/lib/modules/*", "./usr/lib/firmware/*"),
    *("./usr/lib/raspi-firmware/*", "./lost+found"),
)
# What systemd makes as the units start: owner, group, mode. An engine fills a new volume from what lies at its place.
FOLDERS = {
    "run/redis": ("redis", "redis", 0o2755),
    "run/soniquebay": ("soniquebay-api", "soniquebay", 0o755),
    "var/lib/soniquebay": ("soniquebay-api", "soniquebay", 0o750),
}


def run(command: Sequence[str], profile_name: str = "debian") -> int:
    """Run a command that finds the engine, the container image in it, and ARM64 programs; returns its exit status."""
    tools = build_root.ensure()
    card = build.build(profile_name)
    key = _key(profile_name)
    with binfmt.arm64_programs(tools), engine.running() as running:
        name = ensure(running, card, key, tools)
        environment = {**os.environ, **running.environment, NAMED_IN: name}
        return subprocess.run([*running.prefix, *command], env=environment, check=False).returncode


def _key(profile_name: str) -> str:
    chosen = profile.load(profile_name)
    return cache.digest(build.inputs_digest(chosen, release.ensure(build_root.ensure())), Path(__file__))


def ensure(running: Engine, card: Path, key: str, tools: BuildRoot) -> str:
    """The container image's name, after it was made in this engine if it was not there."""
    import docker

    client, name, title = running.client(), f"{REPOSITORY}:{key}", "Container image of the card's root"
    try:
        client.images.get(name)
        cached(title)
    except docker.errors.ImageNotFound:
        with step(title) as current:
            work = cache.entry_path("docker", "tmp-root")
            cache.remove(work)
            try:
                unpack(card, work, tools, current)
                _import(client, work, key, current)
            finally:
                cache.remove(work)
        _forget_others(client, name)
    return name


def unpack(card: Path, root: Path, tools: BuildRoot, current: Step) -> None:
    """Copy the root filesystem out of a card image, read by debugfs: owners and modes, no extended attributes."""
    cache.require_free_space(4)
    root.mkdir(parents=True)
    start = partitions.read(card)[1].start
    current.report_status("reading the card")
    current.run(
        tools.native("debugfs", "-R", f'rdump / "{root}"', f"{card}?offset={start}"),
        env=tools.environment(DEBUGFS_PAGER="cat"),
    )
    if not (root / "usr/bin/redis-server").exists():  # debugfs ends well whatever happens
        raise ActionableError(f"{card} could not be read.", f"All of it: {current.log}")
    users, groups = _numbers(root / "etc/passwd"), _numbers(root / "etc/group")
    for name, (user, group, mode) in FOLDERS.items():
        folder = root / name
        folder.mkdir(parents=True, exist_ok=True)
        os.chown(folder, users[user], groups[group])
        folder.chmod(mode)


def _numbers(table: Path) -> dict[str, int]:
    fields = (line.split(":") for line in table.read_text().splitlines())
    return {name: int(number) for name, _, number, *_ in fields}


def _import(client: Any, root: Path, key: str, current: Step) -> None:
    current.report_status("into the engine")
    pack = [
        "tar",
        "--numeric-owner",
        *(f"--exclude={pattern}" for pattern in LEFT_OUT),
        "-C",
        str(root),
        "-cf",
        "-",
        ".",
    ]
    with subprocess.Popen(pack, stdout=subprocess.PIPE) as tar:
        # without a platform: engine 20.10 would take the image for one of its own machine's, and then refuse it
        client.api.import_image_from_data(tar.stdout, repository=REPOSITORY, tag=key)
    if tar.returncode:
        raise ActionableError("The root filesystem could not be packed.")


def _forget_others(client: Any, name: str) -> None:
    for image in client.images.list(REPOSITORY):
        for tag in image.tags:
            if tag != name:
                client.images.remove(tag, force=True)
