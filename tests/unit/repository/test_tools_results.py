"""Results of tests are recorded by the runs themselves, and put into docs/testing.md."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools.results import (
    BEGIN,
    END,
    HEADER,
    PAGE,
    Result,
    described_in,
    duration,
    latest,
    machine,
    record,
    updated,
    work_tree,
)

ROOT = Path(__file__).parents[3]
PYTEST_OUTPUT = "\x1b[32m======= \x1b[1m12 passed\x1b[0m, 3 deselected, 1 warning in 1234.56s (0:20:34)\x1b[0m ====="
TABLE = f"""# Testing

{BEGIN}

| target | what it shows | last result | took | commit | date | machine |
|---|---|---|---|---|---|---|
| `make slow` | recovery \\| faults | 113 passed | 16 min 53 s beside an emulated machine | fe2ce44 | – | – |
| `make check` | lint | 554 passed | 2 min | eeec5a6 | – | – |

{END}

Between.

{BEGIN}

| target | what it shows | last result | took | commit | date | machine |
|---|---|---|---|---|---|---|
| `make fuzz` | made-up requests | 25 passed | 1 min 40 s | 836a2d3 | – | – |

{END}

After.
"""


def result(target: str, status: int = 0, seconds: float = 61.0, commit: str = "abc1234", **counts: int) -> Result:
    return Result(target, status, seconds, commit, False, "2026-01-02T03:04:05+00:00", "2 × CPU, Linux 6", counts)


def lines(*results: Result) -> list[str]:
    return [json.dumps({**vars(each)}) for each in results]


def recorder(results: Path, *command: str) -> list[str]:
    """Return the command that records another one in a file of its own."""
    code = "import sys; from pathlib import Path; from tools.results import record; "
    code += "sys.exit(record('unit', sys.argv[2:], Path(sys.argv[1])))"
    return [sys.executable, "-c", code, str(results), *command]


def test_a_run_is_recorded_with_its_counts(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "build/results.jsonl"
    script = f"print({PYTEST_OUTPUT!r}); print('2 failed, 30 passed in 0.12s'); raise SystemExit(1)"
    assert record("unit", [sys.executable, "-c", script], file) == 1
    assert capfd.readouterr().out == f"{PYTEST_OUTPUT}\n2 failed, 30 passed in 0.12s\n"
    written = json.loads(file.read_text())
    assert written["counts"] == {"passed": 42, "failed": 2, "deselected": 3, "warning": 1}
    assert (written["target"], written["status"]) == ("unit", 1)
    assert written["seconds"] > 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", written["date"])
    assert record("lint", ["true"], file) == 0
    assert [json.loads(line)["target"] for line in file.read_text().splitlines()] == ["unit", "lint"]


def test_output_is_shown_while_the_command_runs(tmp_path: Path) -> None:
    script = "import sys; print('one', flush=True); sys.stdin.readline(); print('two')"
    command = recorder(tmp_path / "r", sys.executable, "-c", script)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as run:
        assert run.stdout and run.stdin
        assert run.stdout.readline() == "one\n"
        assert run.poll() is None
        run.stdin.write("\n")
        run.stdin.close()
        assert run.stdout.read() == "two\n"
    assert run.returncode == 0


def test_a_signal_ends_the_command_and_the_status_says_so(tmp_path: Path) -> None:
    results = tmp_path / "r"
    script = "import time; print('ready', flush=True); time.sleep(60)"
    with subprocess.Popen(
        recorder(results, sys.executable, "-c", script), stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as run:
        assert run.stdout
        assert run.stdout.readline() == "ready\n"
        run.send_signal(signal.SIGTERM)
        assert run.wait(20) == 128 + signal.SIGTERM
    assert json.loads(results.read_text())["status"] == 128 + signal.SIGTERM


def test_a_program_left_behind_does_not_hold_up_the_result(tmp_path: Path) -> None:
    started = time.monotonic()
    assert record("unit", ["sh", "-c", "sleep 30 & echo $! > " + str(tmp_path / "pid")], tmp_path / "r") == 0
    assert time.monotonic() - started < 20
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGTERM)


def test_on_a_terminal_the_command_has_one_too(tmp_path: Path) -> None:
    master, slave = pty.openpty()
    script = "import os, sys; print(sys.stdout.isatty(), os.get_terminal_size().columns); print('3 passed in 0.10s')"
    subprocess.run(["stty", "-F", os.ttyname(slave), "cols", "97"], check=True)
    run = subprocess.run(
        recorder(tmp_path / "r", sys.executable, "-c", script), stdin=slave, stdout=slave, check=True, cwd=ROOT
    )
    assert run.returncode == 0
    assert os.read(master, 1000) == b"True 97\r\n3 passed in 0.10s\r\n"
    assert json.loads((tmp_path / "r").read_text())["counts"] == {"passed": 3}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (result("unit", passed=1554, deselected=7), "1,554 passed"),
        (result("unit", status=1, passed=3, failed=1), "3 passed, 1 failed"),
        (result("unit", status=2, passed=3, errors=2), "3 passed, 2 errors"),
        (result("lint"), "passed"),
        (result("lint", status=2), "failed (exit status 2)"),
        (result("unit", status=143, passed=3), "failed (exit status 143), 3 passed"),
    ],
)
def test_outcomes_in_words(given: Result, expected: str) -> None:
    assert given.outcome == expected


def test_durations_in_words() -> None:
    assert [duration(s) for s in (0.4, 59.6, 61, 1013, 5400)] == [
        "0 s", "1 min 0 s", "1 min 1 s", "16 min 53 s", "1 h 30 min",
    ]  # fmt: skip


def test_the_last_result_of_a_target_counts() -> None:
    last = latest(lines(result("slow", passed=1), result("fuzz", passed=5), result("slow", status=1, failed=1)))
    assert {target: each.outcome for target, each in last.items()} == {"slow": "1 failed", "fuzz": "5 passed"}


PARTS = [
    result("lint"),
    result("types"),
    result("units", passed=4),
    result("unit", passed=400),
    result("pipeline", passed=150),
]


def test_check_is_the_sum_of_its_parts() -> None:
    last = latest(lines(*PARTS))
    assert list(last) == ["check"]
    assert (last["check"].outcome, last["check"].seconds) == ("554 passed", 5 * 61.0)
    failed = latest(lines(*PARTS, result("unit", status=1, passed=399, failed=1)))["check"]
    assert (failed.status, failed.outcome) == (1, "553 passed, 1 failed")


def test_parts_of_different_commits_or_missing_ones_are_no_result_of_check() -> None:
    assert latest(lines(*PARTS, result("unit", commit="def5678", passed=400))) == {}
    assert latest(lines(*PARTS[:-1])) == {}


def test_only_rows_of_targets_that_ran_change() -> None:
    page = updated(TABLE, {"slow": result("slow", seconds=90, passed=114)}, lambda target: "")
    before, after = TABLE.splitlines(), page.splitlines()
    assert [line for line in before if line not in after] == [before[6]]
    expected = (
        "| `make slow` | recovery \\| faults | 114 passed | 1 min 30 s | abc1234 | 2026-01-02 | 2 × CPU, Linux 6 |"
    )
    assert [line for line in after if line not in before] == [expected]
    assert updated(TABLE, {}, lambda target: "") == TABLE


def test_a_target_without_a_row_gets_one_with_its_help() -> None:
    help_of = described_in("fuzz: a ## made up\ncorpus: $(X) ## every broken file (ALL=1)\nnone:\n")
    page = updated(TABLE, {"corpus": result("corpus", passed=2)}, help_of)
    row = (
        "| `make corpus` | every broken file (ALL=1) | 2 passed | 1 min 1 s | abc1234 | 2026-01-02 | 2 × CPU, Linux 6 |"
    )
    assert page.splitlines()[-5] == row
    assert help_of("none") == ""


def test_a_page_without_tables_is_an_error() -> None:
    with pytest.raises(ValueError, match="results:begin"):
        updated("# Testing\n", {}, lambda target: "")


def test_the_page_of_this_repository_has_the_tables() -> None:
    page = PAGE.read_text()
    assert updated(page, {}, lambda target: "") == page
    assert f"| {' | '.join(HEADER)} |" in page


def test_the_commit_and_whether_files_differ_from_it(tmp_path: Path) -> None:
    assert work_tree(tmp_path) == ("", False)
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "First"], check=True)
    commit, changed = work_tree(tmp_path)
    assert re.fullmatch("[0-9a-f]{7,}", commit)
    assert not changed
    (tmp_path / "new").touch()
    assert work_tree(tmp_path) == (commit, True)
    assert result("x").cells()["commit"] == "abc1234"
    assert Result("x", 0, 1, "abc1234", True, "2026-01-02", "m").cells()["commit"] == "abc1234 with changes"


def test_the_machine_is_named(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: Cortex-A72\n")
    assert re.fullmatch(r"\d+ × Cortex-A72, Linux \S+", machine(tmp_path / "cpuinfo"))
    (tmp_path / "cpuinfo").write_text("processor\t: 0\n")
    assert machine(tmp_path / "cpuinfo").startswith(f"{len(os.sched_getaffinity(0))} × ")
