"""Results: a table on the terminal, and a JSON file in build/bench/."""

import json
import os
import platform
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from image.paths import ROOT

FOLDER = ROOT / "build" / "bench"
console = Console(width=None if os.isatty(1) else 140)


def table(title: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows; numbers to the right, floats with as many places as their size deserves."""
    shown = Table(title=title, title_justify="left")
    for place, name in enumerate(header):
        shown.add_column(name, justify="left" if place == 0 else "right")
    for row in rows:
        shown.add_row(*map(_text, row))
    console.print(shown)


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 100 else f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
    return str(value)


def say(text: str) -> None:
    """Print a line of the story at once."""
    console.print(text, highlight=False, markup=False)


def save(name: str, result: dict[str, Any]) -> Path:
    """Write a result with the machine it comes from to build/bench/<name>.json."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}.json"
    path.write_text(json.dumps({"machine": _machine(), **result}, indent=1, ensure_ascii=False) + "\n", "utf-8")
    say(f"→ {path.relative_to(ROOT)}")
    return path


def _machine() -> dict[str, Any]:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())
    commit = subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True)  # noqa: PLW1510
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "kernel": platform.release(),
        "commit": commit.stdout.strip(),
        "load_1min": os.getloadavg()[0],
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
