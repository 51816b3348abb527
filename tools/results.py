"""The results of the tests: recorded by each run, and put into docs/testing.md by `make test-report`.

    python -m tools.results record TARGET -- COMMAND
    python -m tools.results report

`record` runs the command, adds the counts of all summary lines of pytest in its output, and appends a line of JSON to
build/test-results.jsonl. Output and exit status are those of the command.
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tools import ROOT
from tools.child import run_and_read

RESULTS = ROOT / "build/test-results.jsonl"
PAGE = ROOT / "docs/testing.md"
BEGIN, END = "<!-- results:begin -->", "<!-- results:end -->"
HEADER = ("target", "what it shows", "last result", "took", "commit", "date", "machine")
# Targets of make that only call others: their result is that of all of these, if one commit was tested by all.
PARTS = {"check": ("lint", "types", "units", "unit", "pipeline")}
_SUMMARY = re.compile(r"(?:^|[= ])((?:\d+ [a-z]+, )*\d+ [a-z]+) in \d+\.\d+s")
_SHOWN = ("passed", "failed", "error", "errors", "xfailed", "xpassed", "skipped")


@dataclass(frozen=True)
class Result:
    """One run of one target."""

    target: str
    status: int
    """Exit status of the command."""
    seconds: float
    commit: str
    changed: bool
    """Whether the work tree differed from the commit."""
    date: str
    """When it began, in UTC, as ISO 8601."""
    machine: str
    counts: dict[str, int] = field(default_factory=dict)
    """What pytest counted: passed, failed and so on. Empty for other programs."""

    @property
    def outcome(self) -> str:
        """The result in words, as "113 passed"."""
        counted = ", ".join(f"{self.counts[name]:,} {name}" for name in _SHOWN if self.counts.get(name))
        if self.status and "failed" not in counted and "error" not in counted:
            return f"failed (exit status {self.status})" + (f", {counted}" if counted else "")
        return counted or "passed"

    def cells(self) -> dict[str, str]:
        """Return the row's cells of this result by their column."""
        commit = f"{self.commit or 'unknown'}{' with changes' if self.changed else ''}"
        values = (self.outcome, duration(self.seconds), commit, self.date[:10], self.machine)
        return dict(zip(HEADER[2:], values, strict=True))


def record(target: str, command: Sequence[str], results: Path = RESULTS) -> int:
    """Run a command, append its result to the file, and return its exit status."""
    counts: Counter[str] = Counter()

    def on_line(line: str) -> None:
        if summary := _SUMMARY.search(line):
            for part in summary[1].split(", "):
                number, name = part.split()
                counts[name] += int(number)

    commit, changed = work_tree()
    began, started = datetime.now(UTC), time.monotonic()
    status = run_and_read(command, on_line)
    result = Result(
        target=target,
        status=status,
        seconds=round(time.monotonic() - started, 2),
        commit=commit,
        changed=changed,
        date=began.isoformat(timespec="seconds"),
        machine=machine(),
        counts=dict(counts),
    )
    results.parent.mkdir(exist_ok=True)
    with results.open("a") as file:  # one short write in append mode: targets run beside each other
        file.write(json.dumps(asdict(result)) + "\n")
    return status


def latest(lines: Iterable[str]) -> dict[str, Result]:
    """Return the last result of each target, with those of `PARTS` put together."""
    last = {result.target: result for result in (Result(**json.loads(line)) for line in lines)}
    for target, names in PARTS.items():
        parts = [last.pop(name) for name in names if name in last]
        if len(parts) == len(names) and len({(part.commit, part.changed, part.machine) for part in parts}) == 1:
            last[target] = combined(target, parts)
    return last


def combined(target: str, parts: Sequence[Result]) -> Result:
    """Return the result of a target whose parts ran one after the other on one commit."""
    counts: Counter[str] = Counter()
    for part in parts:
        counts.update(part.counts)
    return Result(
        target=target,
        status=max(part.status for part in parts),
        seconds=sum(part.seconds for part in parts),
        commit=parts[0].commit,
        changed=parts[0].changed,
        date=min(part.date for part in parts),
        machine=parts[0].machine,
        counts=dict(counts),
    )


def updated(page: str, results: dict[str, Result], describe: Callable[[str], str]) -> str:
    """Return the page with these results in its tables; rows of other targets stay as they are.

    A target without a row gets one in the last table, with what `describe` says of it. Raises `ValueError` when the
    page has no table between the markers.
    """
    regions = list(re.finditer(rf"{re.escape(BEGIN)}\s*(.*?)\s*{re.escape(END)}", page, re.DOTALL))
    if not regions:
        raise ValueError(f"The page has no {BEGIN} … {END}.")
    tables = [_rows(region[1]) for region in regions]
    rows = {row["target"]: row for table in tables for row in table}
    for target, result in results.items():
        name = f"`make {target}`"
        if name not in rows:
            rows[name] = {"target": name, "what it shows": describe(target)}
            tables[-1].append(rows[name])
        rows[name] |= result.cells()
    for region, table in reversed(list(zip(regions, tables, strict=True))):
        page = page[: region.start(1)] + _table(table) + page[region.end(1) :]
    return page


def described_in(makefile: str) -> Callable[[str], str]:
    """Return a function that gives what `make help` says of a target, "" for one without help."""
    texts = dict(re.findall(r"^([a-z0-9-]+):[^#\n]*## (.*)$", makefile, re.MULTILINE))
    return lambda target: texts.get(target, "")


def duration(seconds: float) -> str:
    """Return a duration for people: "42 s", "16 min 53 s", "1 h 30 min"."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def machine(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Return the number of usable cores, the CPU's model and the kernel's release."""
    model = re.search(r"^model name\s*: (.*)$", cpuinfo.read_text(), re.MULTILINE)
    name = model[1].strip() if model else platform.machine()
    return f"{len(os.sched_getaffinity(0))} × {name}, Linux {platform.release()}"


def work_tree(root: Path = ROOT) -> tuple[str, bool]:
    """Return the abbreviated commit, and whether files differ from it; ("", False) outside of a Git work tree."""

    def git(*arguments: str) -> str:
        # safe.directory: under sudo the checkout belongs to somebody else
        command = ["git", "-c", f"safe.directory={root}", "-C", str(root), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return git("rev-parse", "--short", "HEAD"), bool(git("status", "--porcelain"))
    except (OSError, subprocess.CalledProcessError):
        return "", False


def report(page: Path = PAGE, results: Path = RESULTS, makefile: Path = ROOT / "Makefile") -> None:
    """Put the recorded results into the page."""
    if not results.exists():
        sys.exit(f"There are no results in {results}: run the tests by make first.")
    with results.open() as lines:
        new = latest(lines)
    page.write_text(updated(page.read_text(), new, described_in(makefile.read_text())))
    print(f"{page}: {', '.join(new) or 'nothing new'}")


def _rows(table: str) -> list[dict[str, str]]:
    """Return the rows of a Markdown table by their columns."""
    lines = [re.split(r"(?<!\\)\|", line.strip().strip("|")) for line in table.splitlines() if line.strip()]
    header, body = [cell.strip() for cell in lines[0]], lines[2:]
    return [dict(zip(header, (cell.strip() for cell in row), strict=True)) for row in body]


def _table(rows: list[dict[str, str]]) -> str:
    cells = [HEADER, tuple("---" for _ in HEADER), *(tuple(row.get(name, "") for name in HEADER) for row in rows)]
    lines = ["| " + " | ".join(row) + " |" for row in cells]
    return "\n".join(lines).replace("| --- ", "|---").replace("|--- |", "|---|")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command of this module."""
    parser = argparse.ArgumentParser(prog="python -m tools.results", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    recording = commands.add_parser("record", help="run a command and record its result")
    recording.add_argument("target", help="the target of make")
    recording.add_argument("words", nargs=argparse.REMAINDER, metavar="-- COMMAND")
    commands.add_parser("report", help="put the recorded results into docs/testing.md")
    options = parser.parse_args(arguments)
    if options.command == "report":
        report()
        return 0
    return record(options.target, options.words[1:] if options.words[:1] == ["--"] else options.words)


if __name__ == "__main__":
    sys.exit(main())
