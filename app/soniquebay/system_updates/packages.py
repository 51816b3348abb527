"""Debian's packages: their lists, the security updates, and whether the machine has to restart for them."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

REBOOT_MARK = "reboot-required"  # in /run; packages make it, for a new kernel for example
# A list that cannot be fetched is an error (apt 2.1 and later), and not a warning beside the exit status 0.
REFRESH = (
    "apt-get",
    "--quiet",
    "--option=APT::Update::Error-Mode=any",
    "--option=Acquire::Retries=2",
    "--option=Acquire::http::Timeout=30",
    "--option=Acquire::https::Timeout=30",
    "update",
)
# It reads /etc/apt/apt.conf.d, where the role `base` says which archives are meant.
INSTALL = ("unattended-upgrade",)
VERSIONS = ("dpkg-query", "--show", "--showformat=${Package}:${Architecture} ${Version} ${db:Status-Status}\\n")
_ENVIRONMENT = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
Run = Callable[[tuple[str, ...]], tuple[int, str]]


def run_command(command: tuple[str, ...], noted: Callable[[subprocess.Popen[str] | None], None]) -> tuple[int, str]:
    """Run a command to its end; return its exit status and what it printed. `noted` gets the process, then None."""
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={**os.environ, **_ENVIRONMENT},
        )
    except OSError as error:
        return 127, f"{command[0]}: {error.strerror}"
    with process:
        noted(process)
        printed, _ = process.communicate()
        noted(None)
    return process.returncode, printed


def refresh(run: Run) -> str:
    """Refresh the package lists; return why that is not possible, empty if it was."""
    status, printed = run(REFRESH)
    return _first_error(printed) if status else ""


def install(run: Run) -> tuple[str, list[str]]:
    """Install the security updates; return why that failed, empty if it did not, and what was installed."""
    before = _versions(run)
    status, printed = run(INSTALL)
    after = _versions(run)
    changes = [
        f"{name}: {before.get(name, 'none')} → {version}"
        for name, version in sorted(after.items())
        if before.get(name) != version
    ]
    return (_first_error(printed) or f"unattended-upgrade ended with {status}") if status else "", changes


def _versions(run: Run) -> dict[str, str]:
    _, printed = run(VERSIONS)
    lines = [line.split() for line in printed.splitlines()]
    return {line[0]: line[1] for line in lines if len(line) == 3 and line[2] == "installed"}


def _first_error(printed: str) -> str:
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("E:", "Err:"))]
    return (errors or lines[-1:] or [""])[0].removeprefix("E: ")[:300]


def reboot_reason(run_folder: Path = Path("/run"), proc: Path = Path("/proc")) -> str:
    """Return why the machine has to restart for updates to take effect; empty when it need not."""
    if (run_folder / REBOOT_MARK).exists():
        return "a new kernel, or another part that needs it"
    programs = sorted({name for name in map(_name_with_old_files, proc.glob("[0-9]*")) if name})
    return f"programs run with files that were replaced: {', '.join(programs[:5])}" if programs else ""


def _name_with_old_files(process: Path) -> str:
    """Return the name of a process that executes a file of a package that is there no longer; empty for others."""
    if int(process.name) == os.getpid():  # it ends
        return ""
    try:
        lines = (process / "maps").read_text(errors="replace").splitlines()
        # address, rights, offset, device, inode, path
        fields = (line.split(maxsplit=5) for line in lines if line.endswith(" (deleted)"))
        if any(len(one) == 6 and "x" in one[1] and one[5].startswith(("/usr/", "/lib/")) for one in fields):
            return (process / "comm").read_text().strip()
    except OSError:  # it has ended
        pass
    return ""
