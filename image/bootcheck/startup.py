"""Rules for what the firmware loads: itself, the kernel, the initramfs, the device tree, the command line."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .. import devicetree
from . import formats
from .card import Card
from .rule import Rule

BOARD = b"raspberrypi,4-model-b\0"
# They find the root file system on a card or a USB disk, with either kernel.
ROOT_DEVICE_MODULES = ("ext4", "mmc_block", "sdhci_iproc", "pcie_brcmstb", "xhci_pci", "usb_storage", "uas")
MAX_COMMAND_LINE_CHARACTERS = 1024  # of the kernel's 2048: the firmware puts its own parameters before ours
OVERLAY_FIXUPS_NODE = "/__fixups__"  # its properties name the symbols of the base tree that the overlay changes
OVERRIDES_NODE = "/__overrides__"  # its properties are the parameters of dtparam and dtoverlay
SYMBOLS_NODE = "/__symbols__"


def check_settings(card: Card) -> Iterable[str]:
    """Require lines of config.txt that the firmware takes as they are meant."""
    yield from card.config.problems
    if not card.config.number("arm_64bit", 1):
        yield "config.txt turns 64-bit mode off."


def check_firmware(card: Card) -> Iterable[str]:
    """Require the pair of files that the board's boot loader loads with these settings."""
    start, fixup = card.config.firmware
    formats.check_firmware(start, card.read_boot_file(start, "the firmware that config.txt chooses"))
    card.read_boot_file(fixup, f"belongs to {start}")
    variants = [re.sub(r"^(start|fixup)|\.(elf|dat)$", "", name) for name in (start, fixup)]
    if variants[0] != variants[1]:
        yield f"{start} and {fixup} are no pair."


def check_kernel(card: Card) -> Iterable[str]:
    """Require a complete ARM64 kernel whose modules are in the root file system."""
    name = card.config.kernel
    version = _kernel_version(card)
    if version not in card.list_folder("/usr/lib/modules"):
        yield f"{name} is version {version}, and the root file system has no modules of it."


def check_initramfs(card: Card) -> Iterable[str]:
    """Require a complete initramfs of the same kernel, with the modules that find the root file system on a board."""
    name = card.config.initramfs
    if not name:
        yield "config.txt names no initramfs."
        return
    content = card.read_boot_file(name, "named in config.txt")
    paths = formats.list_initramfs(name, content, lambda packed: card.run("zstd", "-dcq", stdin=packed))
    version = _kernel_version(card)
    files = {path for path in paths if re.search(r"\.ko(\.\w+)?$", path)}
    if not any(f"lib/modules/{version}/" in path for path in files):
        yield f"{name} holds no modules of kernel {version}."
    modules = {_module_name(path) for path in files if f"/{version}/" in path}
    builtin = card.read_text(f"/usr/lib/modules/{version}/modules.builtin").splitlines()
    modules |= {_module_name(line) for line in builtin}
    missing = [module for module in ROOT_DEVICE_MODULES if module not in modules]
    if missing:
        yield f"{', '.join(missing)}: neither in {name} nor built into kernel {version}."


def check_device_tree(card: Card) -> Iterable[str]:
    """Require the Pi 4's own device tree, and only parameters and overlays that exist."""
    name = card.config.device_tree
    base = _read_device_tree(card, name, "the device tree of a Pi 4")
    if BOARD not in base["/"].get("compatible", b""):
        yield f"{name} is the device tree of another board."
    for parameter in card.config.parameters:
        if parameter not in base.get(OVERRIDES_NODE, {}):
            yield f"config.txt sets {parameter}, which {name} does not know."
    symbols = base.get(SYMBOLS_NODE, {})
    for overlay in card.config.overlays:
        overlay_name, *options = overlay.split(",")
        file = f"overlays/{overlay_name}.dtbo"
        nodes = _read_device_tree(card, file, "named in config.txt")
        missing = sorted(set(nodes.get(OVERLAY_FIXUPS_NODE, {})) - set(symbols))
        if missing:
            yield f"{file} changes {', '.join(missing)}, which {name} does not have."
        for option in options:
            if option.split("=")[0] not in nodes.get(OVERRIDES_NODE, {}):
                yield f"config.txt sets {option} of {file}, which does not know it."


def check_command_line(card: Card) -> Iterable[str]:
    """Require a single line that leads to the root partition of this card."""
    lines = card.read_boot_file("cmdline.txt", "the kernel's command line").decode("utf-8", "replace").split("\n")
    if any(line.strip() for line in lines[1:]):
        yield "cmdline.txt has a second line; the firmware takes the first alone."
    if len(lines[0]) > MAX_COMMAND_LINE_CHARACTERS:
        yield f"cmdline.txt has {len(lines[0])} characters; more than {MAX_COMMAND_LINE_CHARACTERS} may be cut off."
    parameters = card.command_line.split()
    roots = [parameter.removeprefix("root=") for parameter in parameters if parameter.startswith("root=")]
    expected = {f"LABEL={card.ext4.label}", f"UUID={card.ext4.uuid}", f"PARTUUID={card.signature:08x}-02"}
    if len(roots) != 1 or roots[0] not in expected:
        names = " or ".join(sorted(expected))
        yield f"cmdline.txt has root={' root='.join(roots) or '(nothing)'}; this root is {names}."
    if "rootwait" not in parameters:
        yield "cmdline.txt lacks rootwait: a card or USB disk may appear after the kernel has looked for it."
    if not {"console=tty0", "console=tty1"} & set(parameters):
        yield "cmdline.txt names no console on the screen."
    if any(parameter.startswith("cma=") for parameter in parameters):
        yield "cmdline.txt reserves memory for the GPU (cma=), which may stop a Pi 4."
    if "cgroup_enable=memory" not in parameters:
        yield "cmdline.txt lacks cgroup_enable=memory: the Pi's kernel would not limit the memory of a service."


def check_cloud_init_files(card: Card) -> Iterable[str]:
    """Require the two files of cloud-init, so that a card that nobody customised starts as well."""
    if b"instance-id:" not in card.read_boot_file("meta-data", "cloud-init's"):
        yield "meta-data has no instance-id."
    if not card.read_boot_file("user-data", "cloud-init's").startswith(b"#cloud-config\n"):
        yield "user-data does not begin with #cloud-config."


def _kernel_version(card: Card) -> str:
    name = card.config.kernel
    content = card.read_boot_file(name, "the kernel of config.txt")
    return formats.kernel_version(name, formats.unpack_kernel(name, content))


def _read_device_tree(card: Card, name: str, purpose: str) -> devicetree.Tree:
    return devicetree.read_tree(name, card.read_boot_file(name, purpose), card.tools)


def _module_name(path: str) -> str:
    return re.sub(r"\.ko(\.\w+)?$", "", path.rsplit("/", 1)[-1]).replace("-", "_")


RULES: tuple[Rule, ...] = (
    check_settings,
    check_firmware,
    check_kernel,
    check_initramfs,
    check_device_tree,
    check_command_line,
    check_cloud_init_files,
)
