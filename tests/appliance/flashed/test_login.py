"""`molecule login`, as a builder types it while the machine stands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from image.emulated.machine import MACHINE_TIMEOUT_SECONDS


def test_molecule_login_is_a_shell_on_the_machine() -> None:
    molecule = f"{Path(sys.executable).with_name('molecule')} login -s {os.environ['MOLECULE_SCENARIO_NAME']}"
    # it wants a terminal, as a builder has one
    done = subprocess.run(
        ["script", "--quiet", "--return", "--command", molecule, "/dev/null"],
        cwd=os.environ["MOLECULE_PROJECT_DIRECTORY"],
        input="uname -m; exit\n",
        capture_output=True,
        text=True,
        timeout=MACHINE_TIMEOUT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "aarch64" in done.stdout
