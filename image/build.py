"""The flashable image, step by step; each step is skipped when its product is there already."""

from __future__ import annotations

import subprocess
from pathlib import Path

from . import assemble, base, binfmt, bootcheck, build_root, cache, partitions, profile, provision, release
from .assemble import Assembly
from .build_root import BuildRoot
from .paths import chown_to_invoking_user, dist, source_epoch
from .profile import Profile
from .ui import cached, step

CARD = "card.img"
LISTING = "packages.txt"
# What an image is made of; what boots or unpacks it makes no other one.
SOURCES = (
    *("app/soniquebay", "requirements.lock", "roles", "playbooks", "ansible.cfg", "image"),
    *(":(exclude)image/emulated", ":(exclude)image/containers"),
)


def image_name(version: str, name: str) -> str:
    """The file's name in dist/."""
    return f"soniquebay-{version}-{name}-arm64.img"


def inputs_digest(chosen: Profile, archive: Path) -> str:
    """Everything the image is made of."""
    code = [Path(module.__file__ or "") for module in (assemble, partitions)]
    return cache.digest(base.inputs_digest(chosen), archive, provision.inputs_digest(), source_epoch(*SOURCES), *code)


def build(profile_name: str = "debian") -> Path:
    """The image in dist/, with the list of its packages beside it. Needs root unless all is there."""
    chosen = profile.load(profile_name)
    tools = build_root.ensure()
    archive = release.ensure(tools)
    version = release.version_of(release.APP)
    wanted = inputs_digest(chosen, archive)
    title = f"Card image {version} ({chosen.name})"
    ready = cache.find("image", wanted, "")
    if ready is None:
        tarball = base.ensure(chosen, tools)
        cache.need_space(8)
        ready = cache.make("image", wanted, "", lambda path: _make(path, tarball, archive, chosen, tools))
    else:
        cached(title)
    return publish(ready, chosen, version)


def is_ready(profile_name: str = "debian") -> bool:
    """Whether `build` would find everything done, so that no root is needed."""
    chosen = profile.load(profile_name)
    if build_root.find() is None:
        return False
    archive = dist() / release.archive_name(release.version_of(release.APP))
    return archive.exists() and cache.find("image", inputs_digest(chosen, archive)) is not None


def _make(entry: Path, tarball: Path, archive: Path, chosen: Profile, tools: BuildRoot) -> None:
    entry.mkdir()
    work = entry.with_name("tmp-work")
    cache.remove(work)
    work.mkdir(mode=0o755)
    root = work / "root"
    try:
        with step("Roles") as current, binfmt.arm64_programs(tools):
            current.report_status("unpacking the base system")
            provision.unpack(tarball, root, tools, current)
            provision.apply(root, chosen, archive, current)
            provision.clean(root)
        with step("Partitions and file systems") as current:
            Assembly(root, chosen, tools, source_epoch(*SOURCES)).write(entry / CARD, current)
            listing = root / "usr/share/soniquebay/packages.txt"
            (entry / LISTING).write_bytes(listing.read_bytes())
            current.report_status("checks")
            bootcheck.require_fit(entry / CARD, tools)
    finally:
        cache.remove(work)


def publish(entry: Path, chosen: Profile, version: str) -> Path:
    """Sparse copies in dist/, where people look for them; made anew only when they differ."""
    target = dist() / image_name(version, chosen.name)
    for source, copy in ((entry / CARD, target), (entry / LISTING, target.with_suffix(".packages.txt"))):
        with cache.locked("publish"):
            _copy_if_different(source, copy)
    return target


def _copy_if_different(source: Path, copy: Path) -> None:
    want, have = source.stat(), copy.stat() if copy.exists() else None
    if have is not None and (want.st_size, want.st_mtime_ns) == (have.st_size, have.st_mtime_ns):
        return
    partial = copy.with_name(f".{copy.name}")
    how = ["--sparse=always", "--reflink=auto", "--preserve=timestamps"]
    subprocess.run(["cp", *how, str(source), str(partial)], check=True)
    partial.rename(copy)
    chown_to_invoking_user(copy)
