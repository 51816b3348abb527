"""`molecule login`, as a developer uses it between create and destroy."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from image.emulated.machine import MACHINE_TIMEOUT_SECONDS


def test_molecule_login_opens_a_shell_on_the_machine() -> None:
    molecule = f"{Path(sys.executable).with_name('molecule')} login -s {os.environ['MOLECULE_SCENARIO_NAME']}"
    # script gives it the terminal that it needs
    result = subprocess.run(
        ["script", "--quiet", "--return", "--command", molecule, "/dev/null"],
        cwd=os.environ["MOLECULE_PROJECT_DIRECTORY"],
        input="uname -m; exit\n",
        capture_output=True,
        text=True,
        timeout=MACHINE_TIMEOUT_SECONDS,
        check=False,
    )
    assert result.returncode == 0, result.stdout
    assert "aarch64" in result.stdout
