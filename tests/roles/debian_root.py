"""A root file system and archives of packages in a folder, on which the real apt and dpkg work."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

APT_CONFIG = """
Dir "{root}";
Dir::State::status "{root}/var/lib/dpkg/status";
Dir::Bin::dpkg "/usr/bin/dpkg";
APT::Sandbox::User "root";
APT::Architecture "amd64";
APT::Architectures {{ "amd64"; }};
DPkg::Options {{ "--root={root}"; "--force-not-root"; "--log={root}/dpkg.log"; }};
"""
FOLDERS = (
    *("etc/apt/apt.conf.d", "etc/apt/preferences.d", "var/cache/apt/archives/partial", "var/lib/apt/lists/partial"),
    *("var/lib/apt/periodic", "var/lib/dpkg/info", "var/lib/dpkg/updates", "var/lib/unattended-upgrades"),
    *("var/log/apt", "var/log/unattended-upgrades", "var/run"),
)


class Debian:
    """The root, with an empty archive for each name that is given, whose Release file has these fields."""

    def __init__(self, folder: Path, archives: dict[str, dict[str, str]]) -> None:
        self.folder, self.root = folder, folder / "root"
        for name in FOLDERS:
            (self.root / name).mkdir(parents=True)
        (self.root / "var/lib/dpkg/status").touch()
        self._archives = archives
        sources = [f"deb [trusted=yes] file:{folder}/archives/{name} ./\n" for name in archives]
        (self.root / "etc/apt/sources.list").write_text("".join(sources))
        self.settings = APT_CONFIG.format(root=self.root)
        (folder / "apt.conf").write_text(self.settings)
        self.environment = {**os.environ, "APT_CONFIG": str(folder / "apt.conf")}
        for name in archives:
            (folder / "archives" / name).mkdir(parents=True)
            self._describe(name)

    def publish(self, name: str, version: str, *, archive: str = "main", depends: str = "") -> None:
        """Put a package into an archive."""
        folder = self.folder / f"{name}-{version}"
        (folder / "DEBIAN").mkdir(parents=True)
        fields = {"Package": name, "Version": version, "Architecture": "all"}
        fields |= {"Maintainer": "A <a@b>", "Description": "a"} | ({"Depends": depends} if depends else {})
        (folder / "DEBIAN/control").write_text("".join(f"{key}: {value}\n" for key, value in fields.items()))
        target = self.folder / "archives" / archive / f"{name}_{version}_all.deb"
        self.run("dpkg-deb", "--root-owner-group", "--build", str(folder), str(target))
        self._describe(archive)

    def _describe(self, archive: str) -> None:
        folder = self.folder / "archives" / archive
        packages = "\n".join(
            self.run("dpkg-deb", "--field", str(one))
            + f"Filename: ./{one.name}\nSize: {one.stat().st_size}\n"
            + f"SHA256: {hashlib.sha256(one.read_bytes()).hexdigest()}\n"
            for one in sorted(folder.glob("*.deb"))
        )
        (folder / "Packages").write_text(packages)
        fields = "".join(f"{key}: {value}\n" for key, value in self._archives[archive].items())
        digest = hashlib.sha256(packages.encode()).hexdigest()
        date = "Date: Sat, 01 Nov 2025 00:00:00 UTC\n"
        (folder / "Release").write_text(f"{fields}{date}SHA256:\n {digest} {len(packages.encode())} Packages\n")

    def run(self, *command: str) -> str:
        """Run a command with apt's settings for the root, and return what it printed; fail when it fails."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def installed(self) -> dict[str, str]:
        """Return the versions of the installed packages."""
        printed = self.run("dpkg-query", f"--admindir={self.root}/var/lib/dpkg", "--show")
        return dict(line.split("\t") for line in printed.splitlines())
