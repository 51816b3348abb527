"""config.txt as the firmware of a Raspberry Pi 4 reads it (raspberrypi.com/documentation/computers/config_txt.html)."""

from __future__ import annotations

from dataclasses import dataclass, field

LONGEST = 98  # characters of a line that the firmware reads
SECTIONS = ("all", "pi4")
TREE = "bcm2711-rpi-4-b.dtb"


@dataclass
class Config:
    """What holds for a Pi 4 Model B; the last value of a setting counts."""

    settings: dict[str, str] = field(default_factory=dict)
    initramfs_line: str = ""
    parameters: list[str] = field(default_factory=list)  # of the board's own device tree
    overlays: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def number(self, name: str, default: int = 0) -> int:
        """A setting that is a number."""
        try:
            return int(self.settings.get(name, ""), 0)
        except ValueError:
            return default

    @property
    def firmware(self) -> tuple[str, str]:
        """The pair of files that the boot loader takes: a small gpu_mem takes the cut-down ones."""
        if "start_file" in self.settings or "fixup_file" in self.settings:
            return self.settings.get("start_file", "start4.elf"), self.settings.get("fixup_file", "fixup4.dat")
        if self.number("start_x"):
            flavour = "x"
        elif self.number("start_debug"):
            flavour = "db"
        elif self.number("gpu_mem_1024", self.number("gpu_mem", 76)) <= 16:
            flavour = "cd"
        else:
            flavour = ""
        return f"start4{flavour}.elf", f"fixup4{flavour}.dat"

    @property
    def kernel(self) -> str:
        """The kernel's file."""
        return self.settings.get("kernel", "kernel8.img" if self.number("arm_64bit", 1) else "kernel7l.img")

    @property
    def initramfs(self) -> str:
        """The initramfs' file, or nothing."""
        if self.initramfs_line:
            return self.initramfs_line.split()[0]
        if not self.number("auto_initramfs"):
            return ""
        name = self.kernel
        if name.startswith("vmlinuz"):
            return "initrd.img" + name.removeprefix("vmlinuz")
        return name.replace("kernel", "initramfs", 1).removesuffix(".img")

    @property
    def device_tree(self) -> str:
        """The device tree's file."""
        return self.settings.get("device_tree", TREE)


def parse(text: str) -> Config:
    """The settings for a Pi 4 Model B, and what is wrong with the lines themselves."""
    config = Config()
    holds = True
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.split("#", 1)[0].strip()
        if len(raw) > LONGEST and line:
            config.faults.append(f"config.txt, line {number}, has {len(raw)} characters; the firmware reads {LONGEST}.")
        if line.startswith("["):
            holds = line.strip("[]").lower() in SECTIONS
        elif line and holds:
            _take(config, line, number)
    return config


def _take(config: Config, line: str, number: int) -> None:
    if line.startswith("initramfs "):
        config.initramfs_line = line.split(None, 1)[1]
        return
    name, equals, value = (part.strip() for part in line.partition("="))
    if not equals or " " in name:
        config.faults.append(f"config.txt, line {number}, is no setting: {line}")
    elif name in ("dtoverlay", "device_tree_overlay"):
        if value:
            config.overlays.append(value)
    elif name == "dtparam":
        # behind an overlay it belongs to that overlay
        if not config.overlays:
            config.parameters += [part.split("=")[0] for part in value.split(",")]
    elif name in ("os_prefix", "overlay_prefix", "include"):
        config.faults.append(f"config.txt, line {number}: these checks do not follow {name}.")
    else:
        config.settings[name] = value
