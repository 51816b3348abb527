"""The container image for servers: a release on a small Debian, for this processor, or for arm64 by qemu-user."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .. import binfmt, build_root, cache, release, ui
from ..build_root import BuildRoot
from ..errors import ActionableError
from ..paths import ROOT, chown_to_invoking_user, dist
from ..platforms import PLATFORMS
from ..profile import package_names
from ..ui import Step
from . import docker_compose, engine, image_file
from .container import IMAGE_VARIABLE, remove_other_tags
from .engine import Engine

SOURCE = ROOT / "deploy"
CONTAINERFILE, PREPARE, PACKAGES = "Containerfile", "prepare.sh", "packages.txt"
REPOSITORY = "soniquebay/server"
# The tags of these two, for each architecture, are digests of what they were made from.
BUILD_REPOSITORY, BASE_REPOSITORY = "soniquebay/server-build", "soniquebay/server-base"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}  # as Debian and container engines name them


@contextmanager
def programs_of(machine: str, tools: BuildRoot) -> Iterator[None]:
    """Let this machine run programs of a processor, as the kernel names it. Raises `ActionableError` if it cannot."""
    if machine == "aarch64":
        with binfmt.arm64_programs(tools):
            yield
    elif machine in ARCHITECTURES and machine == platform.machine():
        yield
    else:
        raise ActionableError(
            f"An image for {machine} cannot be made on {platform.machine()}.",
            "An image for x86_64 is made on such a machine, one for aarch64 on both: --platform aarch64.",
        )


def export(machine: str | None = None) -> Path:
    """Return the image in dist/, as `docker load` reads it; needs root. Raises `ActionableError` when a step fails.

    `machine`: the processor, as the kernel names it; without one this machine's.
    """
    machine = machine or platform.machine()
    tools = build_root.ensure()
    with programs_of(machine, tools), engine.running() as docker_engine:
        name = ensure(docker_engine, tools, machine)
        architecture = ARCHITECTURES[machine]
        target = dist() / f"soniquebay-{release.version_of(release.APP)}-container-{architecture}.tar.gz"
        target.parent.mkdir(exist_ok=True)
        with ui.step(f"Container image {target.name}"):
            saved = docker_engine.client().api.get_image(name)
            image_file.write(saved, target, f"{REPOSITORY}:latest", architecture)
    chown_to_invoking_user(target)
    return target


def run(command: Sequence[str], machine: str | None = None) -> int:
    """Run a command with engine, image and Compose in its environment, and return its exit status; needs root.

    `machine`: as for `export`.
    """
    machine = machine or platform.machine()
    tools = build_root.ensure()
    compose = docker_compose.ensure(tools)
    with programs_of(machine, tools), engine.running() as docker_engine:
        name = ensure(docker_engine, tools, machine)
        environment = {**os.environ, **docker_engine.environment, IMAGE_VARIABLE: name}
        environment[docker_compose.VARIABLE] = str(compose)
        return subprocess.run([*docker_engine.prefix, *command], env=environment, check=False).returncode


def ensure(docker_engine: Engine, tools: BuildRoot, machine: str) -> str:
    """Return the name of the image, and make it in this engine unless it exists."""
    import docker

    architecture = ARCHITECTURES[machine]
    archive = release.ensure(tools, platform=PLATFORMS[machine])
    client = docker_engine.client()
    key = cache.digest(SOURCE, archive, _base_key(architecture), Path(__file__))
    name = f"{BUILD_REPOSITORY}-{architecture}:{key}"
    try:
        client.images.get(name)
        ui.cached("Container image for servers")
    except docker.errors.ImageNotFound:
        base = _ensure_base(client, architecture, tools)
        with ui.step("Container image for servers") as step:
            _build(client, name, base, archive, step)
        for made in (name, base):
            remove_other_tags(client, made)
    return name


def _base_key(architecture: str) -> str:
    return cache.digest(build_root.SUITE, architecture, SOURCE / PACKAGES, Path(__file__))


def _ensure_base(client: Any, architecture: str, tools: BuildRoot) -> str:
    """Return the name of the Debian below the release, and make it in this engine unless it exists."""
    import docker

    name = f"{BASE_REPOSITORY}-{architecture}:{_base_key(architecture)}"
    try:
        client.images.get(name)
        return name
    except docker.errors.ImageNotFound:
        pass
    with (
        ui.step(f"Debian {build_root.SUITE} for containers, {architecture}") as step,
        tempfile.TemporaryDirectory() as folder,
    ):
        root = Path(folder) / "root"
        # Without apt: an image is replaced, and not upgraded.
        packages = package_names((SOURCE / PACKAGES).read_text())
        build_root.bootstrap(root, packages, step, variant="essential", architecture=architecture, tools=tools)
        for path in ("var/lib/apt/lists", "var/cache/apt", "usr/share/doc"):
            cache.remove(root / path)
        step.report_status("import into the engine")
        with subprocess.Popen(
            ["tar", "--numeric-owner", "--sort=name", "-C", str(root), "-cf", "-", "."], stdout=subprocess.PIPE
        ) as tar:
            repository, _, tag = name.partition(":")
            client.api.import_image_from_data(tar.stdout, repository=repository, tag=tag)
        if tar.returncode:
            raise ActionableError("The root file system could not be packed.")
    return name


def _build(client: Any, name: str, base: str, archive: Path, step: Step) -> None:
    import docker

    with tempfile.TemporaryDirectory() as context:
        for file in (SOURCE / CONTAINERFILE, SOURCE / PREPARE, archive):
            shutil.copyfile(file, Path(context) / file.name)
        step.report_status("building")
        try:
            client.images.build(
                path=context,
                dockerfile=CONTAINERFILE,
                tag=name,
                buildargs={"BASE": base, "ARCHIVE": archive.name},
                labels={"org.opencontainers.image.version": release.version_of(release.APP)},
                network_mode="none",
                rm=True,
                forcerm=True,
            )
        except docker.errors.DockerException as error:
            log = getattr(error, "build_log", [])
            lines = "".join(line.get("stream", "") for line in log)
            raise ActionableError(f"The container image could not be built: {error}", lines[-2000:]) from error
