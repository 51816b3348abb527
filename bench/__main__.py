"""The benchmarks of the application, the short ones first: `make bench`. Others have to be asked for by name."""

import subprocess
import sys
import time

from bench import report

ORDER = ("latency", "browse", "search", "rescan", "progress", "scan", "memory")


def main() -> None:
    """Run each in a process of its own; go on after one that fails, and say so at the end."""
    began = time.monotonic()
    rows, failed = [], False
    for name in ORDER:
        report.say(f"\n── {name} ──")
        started = time.monotonic()
        code = subprocess.run([sys.executable, "-m", f"bench.{name}"], check=False).returncode
        rows.append((name, "ok" if code == 0 else "failed", (time.monotonic() - started) / 60))
        failed |= code != 0
    report.table("Benchmarks", ("", "", "minutes"), [*rows, ("total", "", (time.monotonic() - began) / 60)])
    sys.exit(failed)


if __name__ == "__main__":
    main()
