"""`soniquebay logs PROGRAM` shows the log of this program, and not of one whose name begins so."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    ("program", "expected"),
    [("worker", {"worker", "worker2"}), ("worker-proxy", {"worker-proxy"}),
     (None, {"api", "worker", "worker2", "worker-proxy"})],
)  # fmt: skip
def test_which_logs_are_shown(tmp_path: Path, program: str | None, expected: set[str]) -> None:
    (tmp_path / "logs").mkdir()
    for name in ("api", "worker", "worker2", "worker-proxy"):
        (tmp_path / f"logs/{name}.log").write_text(f"line of {name};\n")
    command = [sys.executable, "-m", "soniquebay.cli", "logs", "--data", str(tmp_path), *([program] if program else [])]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert {name for name in ("api", "worker", "worker2", "worker-proxy") if f"line of {name};" in shown} == expected
