"""A Debian without our roles: the packages of profiles/minimal alone, to boot machines that are not ours."""

from __future__ import annotations

from pathlib import Path

from . import assemble, base, binfmt, cache, partitions, profile, provision
from .assemble import Assembly
from .build_root import BuildRoot
from .errors import ActionableError
from .profile import Profile
from .ui import Step, cached, step

NAME = "minimal"
LABEL = "cidata"  # of the boot partition: cloud-init's own, by which it finds user and key
COMMAND_LINE = "root=LABEL=rootfs rootwait"
FSTAB = "LABEL=rootfs / ext4 errors=remount-ro 0 1\n"
EPOCH = 1_735_689_600


def ensure(tools: BuildRoot) -> Path:
    """The card image, made if need be (by root)."""
    chosen = profile.load(NAME)
    code = [Path(module.__file__ or "") for module in (assemble, partitions)]
    wanted = cache.digest(base.inputs_digest(chosen), Path(__file__), *code)
    title = f"Bare Debian ({chosen.suite}, arm64)"
    ready = cache.find(NAME, wanted, ".img")
    if ready is not None:
        cached(title)
        return ready
    tarball = base.ensure(chosen, tools)
    with step(title) as current:
        return cache.make(NAME, wanted, ".img", lambda image: _make(image, tarball, chosen, tools, current))


def _make(image: Path, tarball: Path, chosen: Profile, tools: BuildRoot, current: Step) -> None:
    root = image.with_name("tmp-root")
    try:
        with binfmt.arm64_programs(tools):
            provision.unpack(tarball, root, tools, current)
        provision.clean(root)
        boot_files(root)
        Assembly(root, chosen, tools, EPOCH, label=LABEL).write(image, current)
    finally:
        cache.remove(root)


def boot_files(root: Path) -> None:
    """What an installer leaves: a boot loader's kernel, initramfs and command line, and the root in fstab."""
    # the base root has the modules of the role pi_tuning in its initramfs, which does no harm; its setting is ours
    (root / "usr/share/initramfs-tools/modules.d/soniquebay.conf").unlink(missing_ok=True)
    firmware = root / "boot/firmware"
    firmware.mkdir(parents=True, exist_ok=True)
    for name in ("vmlinuz", "initrd.img"):
        found = sorted((root / "boot").glob(f"{name}-*"))
        if len(found) != 1:
            raise ActionableError(f"The bare Debian has {len(found)} files /boot/{name}-*, not one.")
        (firmware / name).write_bytes(found[0].read_bytes())
    (firmware / "config.txt").write_text("kernel=vmlinuz\ninitramfs initrd.img followkernel\n")
    (root / "etc/fstab").write_text(FSTAB)
    (firmware / "cmdline.txt").write_text(f"{COMMAND_LINE}\n")
