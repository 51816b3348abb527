"""Applies the roles to the base root."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from . import ansible, cache, namespace
from .base import EPOCH
from .build_root import BuildRoot
from .paths import ROOT
from .profile import Profile
from .ui import Step

# Their files are deleted. Folders within them stay where they have been made by packages.
FOLDERS_OF_FILES = ("var/log", "var/cache/apt", "var/lib/apt/lists")
TEMPORARY_FOLDERS = ("var/tmp", "tmp", "root/.ansible", "root/.cache", "run")
REMOVED_PATTERNS = (
    "etc/ssh/ssh_host_*",
    "etc/apt/apt.conf.d/99mmdebstrap",
    "var/lib/dbus/machine-id",
    "var/lib/systemd/random-seed",
    "var/lib/systemd/credential.secret",
    "var/cache/debconf/*-old",
    "var/cache/ldconfig/*",
    "var/lib/dpkg/*-old",
    "etc/*-",
    "boot/*.old",
    ".dockerenv",
)


def inputs_digest() -> str:
    """Return the digest of what is applied."""
    return cache.digest(ansible.inputs_digest(), Path(__file__))


def unpack(base: Path, root: Path, tools: BuildRoot, step: Step) -> None:
    """Unpack a base root into a new folder."""
    root.mkdir(mode=0o755)
    command = ["tar", "--numeric-owner", "--xattrs", "--xattrs-include=*", "-I", "zstd"]
    command += ["-C", f"{namespace.BIND_FOLDER}/root", "-xpf", f"{namespace.BIND_FOLDER}/base/{base.name}"]
    step.run(tools.inside(command, {base.parent: "base", root: "root"}))


def apply(root: Path, profile: Profile, release: Path, step: Step) -> None:
    """Run playbooks/image.yml on a root, in which the roles need no network.

    Raises `ActionableError` when there is no Ansible, or when the playbook fails.
    """
    variables = {"release_archive": str(release), "image_profile": profile.name}
    command = [str(ansible.program()), "-i", f"{root},", "-c", "community.general.chroot"]
    command += ["-e", "ansible_python_interpreter=/usr/bin/python3"]
    command += ["-e", json.dumps(variables)]  # a path may have a space in it
    environment = {
        **ansible.environment(),
        "SOURCE_DATE_EPOCH": str(EPOCH),  # /etc/shadow has the day on which a password was set
        **({"SSH_AUTH_SOCK": os.environ["SSH_AUTH_SOCK"]} if "SSH_AUTH_SOCK" in os.environ else {}),
    }
    mounts = namespace.kernel_mounts(root)
    command.append(str(ROOT / "playbooks/image.yml"))
    step.run(namespace.isolated(mounts, command), env=environment, cwd=ROOT)


def clean(root: Path) -> None:
    """Delete identities, logs, caches and whatever else a machine that runs has of its own."""
    for name in (*FOLDERS_OF_FILES, *TEMPORARY_FOLDERS):
        for path in sorted((root / name).rglob("*"), reverse=True):
            if path.is_file() or path.is_symlink():
                path.unlink()
            elif name in TEMPORARY_FOLDERS:
                path.rmdir()
    for pattern in REMOVED_PATTERNS:
        for path in root.glob(pattern):
            cache.remove(path)
    for name in ("root/.ansible", "root/.cache"):
        shutil.rmtree(root / name, ignore_errors=True)
    (root / "etc/machine-id").write_text("uninitialized\n")
