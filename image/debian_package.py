"""A package of the build root's Debian that is unpacked, and neither configured nor installed."""

from __future__ import annotations

from pathlib import Path

from . import mirrors, namespace
from .build_root import SUITE, BuildRoot
from .ui import Step


def unpack(package: str, folder: Path, tools: BuildRoot, step: Step) -> None:
    """Download a package and unpack it into an existing folder; it needs root.

    `package`: its name, or as apt-get takes it with a version, ``name=1.2-*``. Raises `ActionableError` when there is
    none, or no mirror.
    """
    sources = "\n".join(mirrors.configured().lines(SUITE, "main"))
    options = " ".join(f"-o '{option.replace(' ', '=', 1)}'" for option in mirrors.apt_options())
    options += " -o APT::Sandbox::User=root -o Dir::Etc::sourcelist=/dev/null"
    script = f"""
        mount -t tmpfs tmpfs /var/lib/apt/lists
        mount -t tmpfs tmpfs /etc/apt/sources.list.d
        printf '%s\\n' '{sources}' > /etc/apt/sources.list.d/soniquebay.list
        apt-get -q {options} update
        cd /tmp
        apt-get -q {options} download '{package}'
        dpkg-deb -x *.deb {namespace.BIND_FOLDER}/unpacked
    """
    step.run(tools.inside(["sh", "-euc", script], {folder: "unpacked"}))
