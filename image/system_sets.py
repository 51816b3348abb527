"""The system files that a release archive carries, rendered by the roles: one set for each profile of an image."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from . import ansible, cache
from .paths import ROOT
from .ui import Step

NAME = "system.json"
# Of the images, and `site` for a machine that was not flashed.
PROFILES = ("debian", "raspios", "site")


def inputs_digest() -> str:
    """Return the digest of what the sets are made from."""
    return cache.digest(ansible.inputs_digest(), Path(__file__))


def ensure(step: Step) -> Path:
    """Return a file of one JSON object: profile -> set, as `soniquebay.releases.system_files.FileSet` reads it."""
    return cache.make("system-sets", inputs_digest(), ".json", lambda path: _render(path, step))


def _render(path: Path, step: Step) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        variables = {"system_sets": scratch, "ansible_python_interpreter": sys.executable}
        command = [str(ansible.program()), "-i", "".join(f"{name}," for name in PROFILES), "-e", json.dumps(variables)]
        step.run([*command, str(ROOT / "playbooks/system_sets.yml")], env=ansible.environment(), cwd=ROOT)
        sets = {name: json.loads((Path(scratch) / f"{name}.json").read_text()) for name in PROFILES}
    path.write_text(json.dumps(sets, sort_keys=True))
