"""The minimal root: the packages of profiles/minimal without our roles, on which `site.yml` is tested."""

from __future__ import annotations

from pathlib import Path

from . import assemble, base, binfmt, cache, partitions, provision, ui
from .assemble import Assembly
from .build_root import BuildRoot
from .errors import ActionableError
from .profile import Profile
from .profile import load as load_profile
from .ui import Step

NAME = "minimal"
BOOT_LABEL = "cidata"  # cloud-init looks for user and key on the file system with this label
COMMAND_LINE = "root=LABEL=rootfs rootwait"
FSTAB = "LABEL=rootfs / ext4 errors=remount-ro 0 1\n"
EPOCH = 1_735_689_600  # the latest time of a file: 1 January 2025


def ensure(tools: BuildRoot) -> Path:
    """Return the card image; make it, which needs root, if it has not been made."""
    profile = load_profile(NAME)
    code = [Path(module.__file__ or "") for module in (assemble, partitions)]
    digest = cache.digest(base.inputs_digest(profile), Path(__file__), *code)
    title = f"Minimal Debian ({profile.suite}, arm64)"
    existing = cache.find(NAME, digest, ".img")
    if existing is not None:
        ui.cached(title)
        return existing
    tarball = base.ensure(profile, tools)
    with ui.step(title) as step:
        return cache.make(NAME, digest, ".img", lambda image: _make(image, tarball, profile, tools, step))


def _make(image: Path, tarball: Path, profile: Profile, tools: BuildRoot, step: Step) -> None:
    root = image.with_name("tmp-root")
    try:
        with binfmt.arm64_programs(tools):
            provision.unpack(tarball, root, tools, step)
        provision.clean(root)
        write_boot_files(root)
        Assembly(root, profile, tools, EPOCH, label=BOOT_LABEL).write(image, step)
    finally:
        cache.remove(root)


def write_boot_files(root: Path) -> None:
    """Write what an installer leaves: kernel, initramfs and command line for the boot loader, and the root in fstab.

    Raises `ActionableError` when there is not one kernel with its initramfs.
    """
    # The base root's initramfs has the modules of the role pi_tuning, which do no harm. Its list of them is the role's.
    (root / "usr/share/initramfs-tools/modules.d/soniquebay.conf").unlink(missing_ok=True)
    firmware = root / "boot/firmware"
    firmware.mkdir(parents=True, exist_ok=True)
    for name in ("vmlinuz", "initrd.img"):
        files = sorted((root / "boot").glob(f"{name}-*"))
        if len(files) != 1:
            raise ActionableError(f"The minimal Debian has {len(files)} files /boot/{name}-*, not one.")
        (firmware / name).write_bytes(files[0].read_bytes())
    (firmware / "config.txt").write_text("kernel=vmlinuz\ninitramfs initrd.img followkernel\n")
    (root / "etc/fstab").write_text(FSTAB)
    (firmware / "cmdline.txt").write_text(f"{COMMAND_LINE}\n")
