"""Builds the flashable image, step by step. A step is skipped when its product is in the cache."""

from __future__ import annotations

import subprocess
from pathlib import Path

from . import assemble, base, binfmt, bootcheck, build_root, cache, partitions, provision, release, ui
from .assemble import Assembly
from .build_root import BuildRoot
from .paths import chown_to_invoking_user, dist, source_epoch
from .profile import Profile
from .profile import load as load_profile

CARD = "card.img"
LISTING = "packages.txt"
# What an image is made of; the modules that boot or unpack an image do not change it.
SOURCES = (
    *("app/soniquebay", "requirements.lock", "roles", "playbooks", "ansible.cfg", "image"),
    *(":(exclude)image/emulated", ":(exclude)image/containers"),
)


def image_name(version: str, name: str) -> str:
    """Return the name of the image's file in dist/."""
    return f"soniquebay-{version}-{name}-arm64.img"


def inputs_digest(profile: Profile, archive: Path) -> str:
    """Return the digest of everything that the image is made of."""
    code = [Path(module.__file__ or "") for module in (assemble, partitions)]
    return cache.digest(base.inputs_digest(profile), archive, provision.inputs_digest(), source_epoch(*SOURCES), *code)


def build(profile_name: str = "debian") -> Path:
    """Return the image in dist/, with the list of its packages beside it; needs root unless all steps are done."""
    profile = load_profile(profile_name)
    tools = build_root.ensure()
    archive = release.ensure(tools)
    version = release.version_of(release.APP)
    digest = inputs_digest(profile, archive)
    entry = cache.find("image", digest)
    if entry is None:
        tarball = base.ensure(profile, tools)
        cache.require_free_space(8)
        entry = cache.make("image", digest, "", lambda path: _make(path, tarball, archive, profile, tools))
    else:
        ui.cached(f"Card image {version} ({profile.name})")
    return publish(entry, profile, version)


def is_ready(profile_name: str = "debian") -> bool:
    """Tell whether `build` needs no root, because all steps are done."""
    profile = load_profile(profile_name)
    if build_root.find() is None:
        return False
    archive = dist() / release.archive_name(release.version_of(release.APP))
    return archive.exists() and cache.find("image", inputs_digest(profile, archive)) is not None


def _make(entry: Path, tarball: Path, archive: Path, profile: Profile, tools: BuildRoot) -> None:
    entry.mkdir()
    work = entry.with_name("tmp-work")
    cache.remove(work)
    work.mkdir(mode=0o755)
    root = work / "root"
    try:
        with ui.step("Roles") as step, binfmt.arm64_programs(tools):
            step.report_status("unpacking the base system")
            provision.unpack(tarball, root, tools, step)
            provision.apply(root, profile, archive, step)
            provision.clean(root)
        with ui.step("Partitions and file systems") as step:
            Assembly(root, profile, tools, source_epoch(*SOURCES)).write(entry / CARD, step)
            (entry / LISTING).write_bytes((root / base.LISTING).read_bytes())
            step.report_status("checks")
            bootcheck.require_bootable(entry / CARD, tools)
    finally:
        cache.remove(work)


def publish(entry: Path, profile: Profile, version: str) -> Path:
    """Copy the image and the list of its packages to dist/, if they differ, and return the image."""
    image = dist() / image_name(version, profile.name)
    for source, target in ((entry / CARD, image), (entry / LISTING, image.with_suffix(".packages.txt"))):
        with cache.locked("publish"):
            _copy_if_different(source, target)
    return image


def _copy_if_different(source: Path, target: Path) -> None:
    new, old = source.stat(), target.stat() if target.exists() else None
    if old is not None and (new.st_size, new.st_mtime_ns) == (old.st_size, old.st_mtime_ns):
        return
    partial = target.with_name(f".{target.name}")
    options = ["--sparse=always", "--reflink=auto", "--preserve=timestamps"]
    subprocess.run(["cp", *options, str(source), str(partial)], check=True)
    partial.rename(target)
    chown_to_invoking_user(target)
