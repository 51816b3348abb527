"""The list of a root's packages, which goes out with an image: a line for each with name, version and origin.

As a program it prints the list of the root that APT_CONFIG names. It needs python3-apt, so the Python of the build root
runs it. The origin is the field `Origin` in the archive's signed Release file: "Debian" or "Raspberry Pi Foundation".
Apt knows it only while it has its lists.
"""

from __future__ import annotations

UNKNOWN_ORIGIN = "unknown"


def parse_listing(text: str) -> dict[str, tuple[str, str]]:
    """Return version and origin by the name of the package."""
    lines = (line.split(" ", 2) for line in text.splitlines())
    return {name: (version, origin) for name, version, origin in lines}


def print_listing() -> None:
    """Print a line for each installed package. Its origin is unknown when no archive of apt has this version."""
    import apt_pkg  # type: ignore[import-not-found]  # Debian's python3-apt, which is not on PyPI

    apt_pkg.init()
    lines = []
    for package in apt_pkg.Cache(None).packages:
        version = package.current_ver
        if version is not None:
            # dpkg's status file counts as an archive without an origin
            origin = next((file.origin for file, _ in version.file_list if file.origin), UNKNOWN_ORIGIN)
            lines.append(f"{package.name} {version.ver_str} {origin}")
    print("\n".join(sorted(lines)))


if __name__ == "__main__":
    print_listing()
