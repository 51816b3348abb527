"""Rules of what the firmware loads: itself, the kernel, the initramfs, the device tree, the command line."""

from __future__ import annotations

import re
from collections.abc import Iterable

from . import formats
from .card import Card
from .rule import Rule

MODEL = b"raspberrypi,4-model-b\0"
# To find the root file system on a card or a USB disk, whichever kernel it is.
MODULES = ("ext4", "mmc_block", "sdhci_iproc", "pcie_brcmstb", "xhci_pci", "usb_storage", "uas")
LONGEST_COMMAND_LINE = 1024  # of the kernel's 2048: the firmware puts its own words before it
OVERLAY_TARGETS = "/__fixups__"


def settings(card: Card) -> Iterable[str]:
    """Lines of config.txt that the firmware would not take as they are meant."""
    yield from card.config.faults
    if not card.config.number("arm_64bit", 1):
        yield "config.txt turns 64-bit mode off."


def firmware(card: Card) -> Iterable[str]:
    """The pair of files that the board's boot loader asks for by these settings."""
    start, fixup = card.config.firmware
    formats.check_firmware(start, card.file(start, "the firmware that config.txt chooses"))
    card.file(fixup, f"belongs to {start}")
    flavours = [re.sub(r"^(start|fixup)|\.(elf|dat)$", "", name) for name in (start, fixup)]
    if flavours[0] != flavours[1]:
        yield f"{start} and {fixup} are no pair."


def kernel(card: Card) -> Iterable[str]:
    """A whole ARM64 kernel whose modules are in the root file system."""
    name = card.config.kernel
    version = _version(card)
    if version not in card.names("/usr/lib/modules"):
        yield f"{name} is version {version}, and the root file system has no modules of it."


def initramfs(card: Card) -> Iterable[str]:
    """A whole initramfs of the same kernel, with what finds the root file system on a real board."""
    name = card.config.initramfs
    if not name:
        yield "config.txt names no initramfs."
        return
    content = card.file(name, "named in config.txt")
    names = formats.initramfs_names(name, content, lambda packed: card.run("zstd", "-dcq", data=packed))
    version = _version(card)
    modules = {path for path in names if re.search(r"\.ko(\.\w+)?$", path)}
    if not any(f"lib/modules/{version}/" in path for path in modules):
        yield f"{name} holds no modules of kernel {version}."
    have = {_module(path) for path in modules if f"/{version}/" in path}
    have |= {_module(line) for line in card.text(f"/usr/lib/modules/{version}/modules.builtin").splitlines()}
    missing = [module for module in MODULES if module not in have]
    if missing:
        yield f"{', '.join(missing)}: neither in {name} nor built into kernel {version}."


def device_tree(card: Card) -> Iterable[str]:
    """The Pi 4's own device tree, and parameters and overlays that it knows."""
    name = card.config.device_tree
    base = formats.tree(name, card.file(name, "the device tree of a Pi 4"))
    if MODEL not in base["/"].get("compatible", b""):
        yield f"{name} is the device tree of another board."
    known = base.get("/__overrides__", {})
    for parameter in card.config.parameters:
        if parameter not in known:
            yield f"config.txt sets {parameter}, which {name} does not know."
    symbols = base.get("/__symbols__", {})
    for overlay in card.config.overlays:
        file = f"overlays/{overlay.split(',')[0]}.dtbo"
        nodes = formats.tree(file, card.file(file, "named in config.txt"))
        missing = sorted(set(nodes.get(OVERLAY_TARGETS, {})) - set(symbols))
        if missing:
            yield f"{file} changes {', '.join(missing)}, which {name} does not have."
        for option in overlay.split(",")[1:]:
            if option.split("=")[0] not in nodes.get("/__overrides__", {}):
                yield f"config.txt sets {option} of {file}, which does not know it."


def command_line(card: Card) -> Iterable[str]:
    """One line that leads to this very root partition."""
    lines = card.file("cmdline.txt", "the kernel's command line").decode("utf-8", "replace").split("\n")
    if any(line.strip() for line in lines[1:]):
        yield "cmdline.txt has a second line; the firmware takes the first alone."
    if len(lines[0]) > LONGEST_COMMAND_LINE:
        yield f"cmdline.txt has {len(lines[0])} characters; more than {LONGEST_COMMAND_LINE} may be cut off."
    words = card.command_line.split()
    roots = [word.removeprefix("root=") for word in words if word.startswith("root=")]
    right = {f"LABEL={card.ext4.label}", f"UUID={card.ext4.uuid}", f"PARTUUID={card.signature:08x}-02"}
    if len(roots) != 1 or roots[0] not in right:
        yield f"cmdline.txt has root={' root='.join(roots) or '(nothing)'}; this root is {' or '.join(sorted(right))}."
    if "rootwait" not in words:
        yield "cmdline.txt lacks rootwait: a card or USB disk may come later than the kernel looks."
    if not {"console=tty0", "console=tty1"} & set(words):
        yield "cmdline.txt names no console on the screen."
    if any(word.startswith("cma=") for word in words):
        yield "cmdline.txt reserves memory for the GPU (cma=), which may stop a Pi 4."
    if "cgroup_enable=memory" not in words:
        yield "cmdline.txt lacks cgroup_enable=memory: the Pi's kernel would not limit what a service takes."


def customisation(card: Card) -> Iterable[str]:
    """The two files cloud-init wants, so that a card that nobody customised starts as well."""
    if b"instance-id:" not in card.file("meta-data", "cloud-init's"):
        yield "meta-data has no instance-id."
    if not card.file("user-data", "cloud-init's").startswith(b"#cloud-config\n"):
        yield "user-data does not begin with #cloud-config."


def _version(card: Card) -> str:
    name = card.config.kernel
    return formats.kernel_version(name, formats.kernel(name, card.file(name, "the kernel of config.txt")))


def _module(path: str) -> str:
    return re.sub(r"\.ko(\.\w+)?$", "", path.rsplit("/", 1)[-1]).replace("-", "_")


RULES: tuple[Rule, ...] = (settings, firmware, kernel, initramfs, device_tree, command_line, customisation)
