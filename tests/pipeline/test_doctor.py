"""`soniquebay doctor` on a real stack: well, with programs that are down, and its report without names and secrets."""

import json
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.audio_files import tone
from tests.support.stack import Stack, wait_until

# In every place from which something could come into the report. No program knows this word.
SENTINEL = "Zqxsentinel"
CODE_LENGTH = 9


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp(f"{SENTINEL}Root")
    folder = root / f"{SENTINEL} Artist"
    folder.mkdir()
    tone(folder / f"{SENTINEL} 1.flac", seconds=1, title=f"{SENTINEL} Song", artist=f"{SENTINEL}", album=f"{SENTINEL}")
    (folder / f"{SENTINEL} broken.flac").write_bytes(b"fLaC" + bytes(range(256)) * 4)
    (folder / f"{SENTINEL} list.m3u").write_text(f"{SENTINEL}\n")
    return root


@pytest.fixture(scope="module")
def stack(music: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    running = Stack(
        music,
        tmp_path_factory.mktemp(f"{SENTINEL}Data"),
        login=True,
        SONIQUEBAY_HOSTS=f"{SENTINEL}.example.org".lower(),
        SONIQUEBAY_CONTACT=f"mailto:{SENTINEL}@example.org",
        SONIQUEBAY_MUSICBRAINZ_URL=f"https://{SENTINEL}.example.org",
    )
    running.cli("scan", "--wait-vectors", control=True)
    yield running
    running.stop()


def doctor(stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "soniquebay.cli", "doctor", "--data", str(stack.data), *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)


def states(stack: Stack) -> dict[str, set[str]]:
    done = doctor(stack, "--json")
    answer = json.loads(done.stdout)
    found: dict[str, set[str]] = {}
    for finding in answer["findings"]:
        found.setdefault(finding["check"], set()).add(finding["state"])
    assert (done.returncode == 1) == (answer["wrong"] > 0) == any("wrong" in each for each in found.values())
    return found


def test_the_stack_is_well_but_has_no_owner(stack: Stack) -> None:
    found = states(stack)
    well = ("databases", "redis", "redis-files", "api", "worker", "release", "music", "drives", "rights")
    for check in (*well, "claim"):
        assert found[check] == ({"wrong"} if check == "claim" else {"ok"}), check
    printed = doctor(stack).stdout
    assert "✗ The appliance has no owner yet" in printed
    assert "claim-code prints the code" in printed


def test_the_report_has_no_names_and_no_secrets(stack: Stack, tmp_path: Path) -> None:
    code = stack.cli("claim-code", control=True).stdout.strip()
    assert len(code) == CODE_LENGTH
    name = f"{SENTINEL}user"
    stack.cli("user", "add", name, control=True, typed=f"{SENTINEL}-password")
    with (stack.data / "logs/api.log").open("a") as log:
        log.write(f"2026-01-01 ERROR the file /home/{SENTINEL}/x: {SENTINEL} 192.168.17.23 fe80::1:2:3:4 from {code}\n")
        log.write(f"Authorization: Bearer {SENTINEL}0123abcdef at http://{SENTINEL}.local:8080/rest?p={SENTINEL}\n")
    report = tmp_path / "report.tar.gz"
    doctor(stack, "--report", str(report))
    assert report.stat().st_mode & 0o777 == 0o600
    with tarfile.open(report) as archive:
        texts = {Path(one.name).name: archive.extractfile(one).read().decode() for one in archive.getmembers()}
    whole = "\n".join(texts.values())
    assert SENTINEL.lower() not in whole.lower()
    hidden = (code, code[:4], code[5:], "192.168.17.23", "fe80::1", "0123abcdef", os.uname().nodename, str(stack.data))
    assert [text for text in hidden if text in whole] == []
    # and what it is for is in it
    assert {"versions.json", "settings.json", "findings.json", "units.txt", "api.txt", "worker.txt"} <= texts.keys()
    assert json.loads(texts["settings.json"])["LOGIN"] == "on"
    assert json.loads(texts["settings.json"])["HOSTS"] == "set"
    assert json.loads(texts["versions.json"])["redis"]
    assert "The appliance has an owner" in texts["findings.json"]
    assert "public API on" in texts["api.txt"]
    assert "ERROR the file" in texts["api.txt"]


def kill(stack: Stack, name: str) -> None:
    pid = stack.program(name)
    os.killpg(pid, signal.SIGKILL)
    wait_until(lambda: (Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]) in "ZX")


def test_it_works_while_programs_are_down(stack: Stack) -> None:
    os.kill(stack.process.pid, signal.SIGSTOP)  # it would end with the first of them
    try:
        kill(stack, "worker")
        found = states(stack)
        assert (found["worker"], found["redis"], found["databases"]) == ({"wrong"}, {"ok"}, {"ok"})
        for name in ("api", "redis-server", "flower"):  # the last one would take half a minute to end without Redis
            kill(stack, name)
        database = stack.data / "library.db"
        content = bytearray(database.read_bytes())
        content[4096:40_000] = b"\xa5" * (40_000 - 4096)
        for log in stack.data.glob("library.db-*"):
            log.unlink()
        database.write_bytes(content)
        found = states(stack)
        assert (found["api"], found["redis"], "wrong" in found["databases"]) == ({"wrong"}, {"wrong"}, True)
    finally:
        os.kill(stack.process.pid, signal.SIGCONT)


def test_a_wrong_setting_is_told(tmp_path: Path) -> None:
    (tmp_path / "soniquebay.env").write_text("SONIQUEBAY_WATCH=maybe\n")
    command = [sys.executable, "-m", "soniquebay.cli", "doctor", "--data", str(tmp_path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "SONIQUEBAY_WATCH is 'maybe'" in done.stderr
