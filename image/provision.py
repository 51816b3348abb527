"""The roles, applied to the base root."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

from . import cache, namespace
from .base import EPOCH
from .build_root import BuildRoot
from .errors import ActionableError
from .paths import ROOT, cache_home
from .profile import Profile
from .ui import Step

INPUTS = ("roles", "playbooks", "ansible.cfg")
EMPTIED = ("var/log", "var/tmp", "tmp", "root/.ansible", "root/.cache", "var/cache/apt", "var/lib/apt/lists", "run")
REMOVED = (
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
    """The roles and playbooks."""
    return cache.digest(*(ROOT / name for name in INPUTS), Path(__file__))


def unpack(base: Path, root: Path, tools: BuildRoot, current: Step) -> None:
    """The base root, unpacked to a folder."""
    root.mkdir(mode=0o755)
    command = ["tar", "--numeric-owner", "--xattrs", "--xattrs-include=*", "-I", "zstd"]
    command += ["-C", f"{namespace.FOLDERS}/root", "-xpf", f"{namespace.FOLDERS}/base/{base.name}"]
    current.run(tools.inside(command, {base.parent: "base", root: "root"}))


def apply(root: Path, profile: Profile, release: Path, current: Step) -> None:
    """Run playbooks/image.yml on the root; the roles need no network there."""
    playbook = Path(sys.executable).with_name("ansible-playbook")
    if not playbook.exists():
        raise ActionableError("ansible-playbook is not in the Python environment.", "Run: make image")
    extra = {"release_archive": str(release), "image_profile": profile.name}
    command = [str(playbook), "-i", f"{root},", "-c", "community.general.chroot"]
    command += ["-e", "ansible_python_interpreter=/usr/bin/python3"]
    command += ["-e", json.dumps(extra)]  # a path may have a space in it
    local = cache_home() / "ansible"
    local.mkdir(mode=0o700, exist_ok=True)
    environment = {
        "PATH": f"{playbook.parent}:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": str(local),
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_LOCAL_TEMP": str(local),
        "ANSIBLE_FORCE_COLOR": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "SOURCE_DATE_EPOCH": str(EPOCH),  # an account has the day on which it was made
        **({"SSH_AUTH_SOCK": os.environ["SSH_AUTH_SOCK"]} if "SSH_AUTH_SOCK" in os.environ else {}),
    }
    mounts = namespace.kernel_mounts(root)
    command.append(str(ROOT / "playbooks/image.yml"))
    current.run(namespace.isolated(mounts, command), env=environment, cwd=ROOT)


def clean(root: Path) -> None:
    """Leave no identity of a machine and no trace of the one that built it."""
    for name in EMPTIED:
        folder = root / name
        for path in sorted(folder.rglob("*"), reverse=True) if folder.is_dir() else ():
            if path.is_file() or path.is_symlink():
                path.unlink()
            elif name in ("tmp", "var/tmp", "run", "root/.ansible", "root/.cache"):
                path.rmdir()
    for pattern in REMOVED:
        for path in root.glob(pattern):
            cache.remove(path)
    for name in ("root/.ansible", "root/.cache"):
        shutil.rmtree(root / name, ignore_errors=True)
    (root / "etc/machine-id").write_text("uninitialized\n")
