"""Known holes in what is shipped: `python -m tools.audit [--sbom FILE] [--advisories FOLDER]`.

What is shipped is read from the bill of materials that `make artifacts` writes beside the image. Without one it is what
requirements.lock pins. Known holes are files in the OSV format (https://ossf.github.io/osv-schema/): those of
tools/advisories, and those of a folder, which may have the exports of osv.dev as they are (`all.zip`). Nothing is asked
over the network.

A hole is open unless tools/advisories/accepted.toml has a reason for it. The exit status is 1 with an open one, and 2
when something cannot be read.
"""

import argparse
import json
import re
import sys
import tomllib
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from debian.debian_support import Version as DebianVersion
from packaging.version import InvalidVersion
from packaging.version import Version as PythonVersion

from tools import ROOT

OWN = ROOT / "tools/advisories"
ACCEPTED = OWN / "accepted.toml"
DIST = ROOT / "dist"
LOCK = ROOT / "requirements.lock"
DEBIAN = "Debian:13"
_PURL = re.compile(r"pkg:(?P<kind>deb|pypi|npm)/(?P<name>[^@]+)@(?P<version>[^?]+)")
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)
_SOURCE = re.compile(r"built from: (\S+) (\S+)")

Advisory = dict[str, Any]


class AuditError(Exception):
    """Something cannot be read; the message says what."""


@dataclass(frozen=True)
class Part:
    """Something that is shipped."""

    ecosystem: str
    """As OSV names it: PyPI, npm, or Debian with its version."""
    name: str
    """Of a Debian package that of its source package, which OSV has."""
    version: str


@dataclass(frozen=True)
class Hole:
    """An advisory that is about a part."""

    part: Part
    names: tuple[str, ...]
    """The id of the advisory, and what others call it."""
    summary: str


def parts_of_sbom(file: Path) -> set[Part]:
    """Return the parts in a bill of materials (SPDX 2.3 as JSON). Raises `AuditError`."""
    try:
        packages = json.loads(file.read_text("utf-8"))["packages"]
        found = {part for package in packages if (part := _part_of(package))}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AuditError(f"{file} is no bill of materials: {type(error).__name__}: {error}") from error
    if not found:
        raise AuditError(f"{file} names no packages")
    return found


def _part_of(package: dict[str, Any]) -> Part | None:
    if source := _SOURCE.fullmatch(package.get("sourceInfo", "")):
        return Part(DEBIAN, source[1], source[2])
    for reference in package.get("externalRefs", []):
        if purl := _PURL.match(reference["referenceLocator"]):
            name, version = unquote(purl["name"]), unquote(purl["version"])
            if purl["kind"] != "deb":
                return Part({"pypi": "PyPI", "npm": "npm"}[purl["kind"]], name, version)
    return None


def parts_of_lock(file: Path) -> set[Part]:
    """Return the Python packages that a lock file pins."""
    return {Part("PyPI", _normal(name), version) for name, version in _PINNED.findall(file.read_text("utf-8"))}


def read_advisories(folder: Path) -> Iterator[Advisory]:
    """Yield the advisories in the JSON files of a folder, and in the ZIP files that osv.dev exports.

    Raises `AuditError`.
    """
    if not folder.is_dir():
        raise AuditError(f"{folder} is no folder with advisories")
    for file in sorted(folder.rglob("*")):
        if file.suffix == ".json":
            yield _parsed(file.read_bytes(), str(file))
        elif file.suffix == ".zip":
            try:
                with zipfile.ZipFile(file) as archive:
                    for name in archive.namelist():
                        if name.endswith(".json"):
                            yield _parsed(archive.read(name), f"{file}: {name}")
            except zipfile.BadZipFile as error:
                raise AuditError(f"{file} is no ZIP file: {error}") from error


def _parsed(data: bytes, name: str) -> Advisory:
    try:
        advisory: Advisory = json.loads(data)
        advisory["id"]
    except (ValueError, KeyError, TypeError) as error:
        raise AuditError(f"{name} is no advisory in the OSV format: {type(error).__name__}: {error}") from error
    return advisory


def find_holes(parts: Iterable[Part], advisories: Iterable[Advisory]) -> list[Hole]:
    """Return the holes of parts, each once."""
    by_name: defaultdict[tuple[str, str], list[Part]] = defaultdict(list)
    for part in parts:
        by_name[part.ecosystem, part.name].append(part)
    found: dict[tuple[Part, str], Hole] = {}
    for advisory in advisories:
        if "withdrawn" in advisory:
            continue
        for affected in advisory.get("affected", []):
            package = affected.get("package", {})
            name, ecosystem = package.get("name", ""), package.get("ecosystem", "")
            for part in by_name[ecosystem, _normal(name) if ecosystem == "PyPI" else name]:
                if is_affected(part, affected):
                    names = (advisory["id"], *advisory.get("aliases", []))
                    summary = advisory.get("summary") or advisory.get("details", "").partition("\n")[0]
                    found[part, advisory["id"]] = Hole(part, names, summary)
    return sorted(found.values(), key=lambda hole: (hole.part.name, hole.names))


def is_affected(part: Part, affected: dict[str, Any]) -> bool:
    """Tell whether an entry `affected` of an advisory has the version of a part. One that cannot be compared counts."""
    if part.version in affected.get("versions", []):
        return True
    ranges = (events["events"] for events in affected.get("ranges", []) if events["type"] in {"ECOSYSTEM", "SEMVER"})
    try:
        return any(_is_within(part, events) for events in ranges)
    except (InvalidVersion, ValueError):
        return True


def _is_within(part: Part, events: Sequence[dict[str, str]]) -> bool:
    """Tell whether a version is affected after the last event before it. "0" is before all versions."""
    own, state = _key(part, part.version), False
    changes = [(kind, text) for event in events for kind, text in event.items()]
    for kind, text in sorted(changes, key=lambda change: (change[1] != "0", _key(part, change[1]))):
        if kind == "introduced" and (text == "0" or _key(part, text) <= own):
            state = True
        elif (kind == "fixed" and _key(part, text) <= own) or (kind == "last_affected" and _key(part, text) < own):
            state = False
    return state


def _key(part: Part, version: str) -> Any:
    return DebianVersion(version) if part.ecosystem == DEBIAN else PythonVersion(version)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def read_accepted(file: Path) -> dict[str, str]:
    """Return the reason of each accepted advisory. Raises `AuditError` for one without a reason."""
    try:
        accepted = tomllib.loads(file.read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise AuditError(f"{file} cannot be read: {error}") from error
    for name, reason in accepted.items():
        if not isinstance(reason, str) or len(reason.split()) < 3:
            raise AuditError(f"{file} has no reason for {name}")
    return accepted


def newest_sbom() -> Path | None:
    """Return the bill of materials that was written last; None when there is none."""
    return max(DIST.glob("*.spdx.json"), key=lambda file: file.stat().st_mtime, default=None)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the holes; return the exit status."""
    parser = argparse.ArgumentParser(description="Names the known holes in what is shipped.")
    parser.add_argument("--sbom", type=Path, help="bill of materials; by default the newest one in dist/")
    parser.add_argument("--advisories", type=Path, help="folder with further advisories in the OSV format")
    parser.add_argument("--accepted", type=Path, default=ACCEPTED, help="holes that are accepted, with the reasons")
    options = parser.parse_args(arguments)
    sbom = options.sbom or newest_sbom()
    try:
        accepted = read_accepted(options.accepted)
        parts = parts_of_sbom(sbom) if sbom else parts_of_lock(LOCK)
        known = [a for folder in (OWN, options.advisories) if folder for a in read_advisories(folder)]
    except AuditError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{len(parts)} parts of {sbom or f'{LOCK.name} (there is no bill of materials)'}, {len(known)} advisories")
    is_open = False
    for hole in find_holes(parts, known):
        reason = next((accepted[name] for name in hole.names if name in accepted), None)
        is_open = is_open or reason is None
        print(f"{'open' if reason is None else 'accepted'}: {hole.part.name} {hole.part.version}, {hole.names[0]}: "
              f"{hole.summary}{'' if reason is None else f' Accepted: {reason}'}")  # fmt: skip
    return int(is_open)


if __name__ == "__main__":
    sys.exit(main())
