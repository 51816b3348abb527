"""config.txt as the firmware of a Raspberry Pi 4 reads it (raspberrypi.com/documentation/computers/config_txt.html)."""

from __future__ import annotations

from dataclasses import dataclass, field

MAX_LINE_CHARACTERS = 98  # the firmware ignores the rest of a line
MATCHING_SECTIONS = ("all", "pi4")
DEFAULT_DEVICE_TREE = "bcm2711-rpi-4-b.dtb"
DEFAULT_GPU_MEBIBYTES = 76
CUT_DOWN_GPU_MEBIBYTES = 16  # up to this size the boot loader loads the firmware without codecs


@dataclass
class Config:
    """The settings that apply to a Pi 4 Model B. The last value of a setting counts."""

    settings: dict[str, str] = field(default_factory=dict)
    initramfs_line: str = ""
    parameters: list[str] = field(default_factory=list)
    """Names of the parameters of the board's own device tree."""
    overlays: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def number(self, name: str, default: int = 0) -> int:
        """Return a setting that is a number."""
        try:
            return int(self.settings.get(name, ""), 0)
        except ValueError:
            return default

    @property
    def firmware(self) -> tuple[str, str]:
        """Return the pair of files that the boot loader loads: start file and fixup file."""
        if "start_file" in self.settings or "fixup_file" in self.settings:
            return self.settings.get("start_file", "start4.elf"), self.settings.get("fixup_file", "fixup4.dat")
        if self.number("start_x"):
            variant = "x"
        elif self.number("start_debug"):
            variant = "db"
        elif self.number("gpu_mem_1024", self.number("gpu_mem", DEFAULT_GPU_MEBIBYTES)) <= CUT_DOWN_GPU_MEBIBYTES:
            variant = "cd"
        else:
            variant = ""
        return f"start4{variant}.elf", f"fixup4{variant}.dat"

    @property
    def kernel(self) -> str:
        """Return the name of the kernel's file."""
        return self.settings.get("kernel", "kernel8.img" if self.number("arm_64bit", 1) else "kernel7l.img")

    @property
    def initramfs(self) -> str:
        """Return the name of the initramfs' file, or an empty text when there is none."""
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
        """Return the name of the device tree's file."""
        return self.settings.get("device_tree", DEFAULT_DEVICE_TREE)


def parse_config(text: str) -> Config:
    """Return the settings for a Pi 4 Model B, and the problems of the lines themselves."""
    config = Config()
    section_matches = True
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.split("#", 1)[0].strip()
        if len(raw) > MAX_LINE_CHARACTERS and line:
            config.problems.append(
                f"config.txt, line {number}, has {len(raw)} characters; the firmware reads {MAX_LINE_CHARACTERS}."
            )
        if line.startswith("["):
            section_matches = line.strip("[]").lower() in MATCHING_SECTIONS
        elif line and section_matches:
            _add_line(config, line, number)
    return config


def _add_line(config: Config, line: str, number: int) -> None:
    if line.startswith("initramfs "):
        config.initramfs_line = line.split(None, 1)[1]
        return
    name, equals, value = (part.strip() for part in line.partition("="))
    if not equals or " " in name:
        config.problems.append(f"config.txt, line {number}, is no setting: {line}")
    elif name in ("dtoverlay", "device_tree_overlay"):
        if value:
            config.overlays.append(value)
    elif name == "dtparam":
        # behind an overlay it is a parameter of that overlay
        if not config.overlays:
            config.parameters += [part.split("=")[0] for part in value.split(",")]
    elif name in ("os_prefix", "overlay_prefix", "include"):
        config.problems.append(f"config.txt, line {number}: these checks do not follow {name}.")
    else:
        config.settings[name] = value
