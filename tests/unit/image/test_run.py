"""What `make run` says, and when: the machine, its image and its disk are doubles, because they take minutes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from image import build_root, hostpackages, run
from image.emulated.access import CommandResult
from image.emulated.machine import Machine

URL = "http://127.0.0.1:8080"


class Emulated:
    """A machine that has booted."""

    running = True
    ssh_config = Path("/machine/ssh_config")

    def __init__(self, claim_code: str) -> None:
        self._claim_code = claim_code

    def url(self, service: str = "http") -> str:
        return URL if service == "http" else f"http://{service}"

    def ssh(self, command: str) -> CommandResult:
        assert command == "sudo soniquebay claim-code"
        return CommandResult([command], 0, f"{self._claim_code}\n", "")

    def attach_disk(self, path: Path) -> None:
        assert path == Path("disk")


@pytest.mark.parametrize(
    ("code", "start"),
    [("ABCD-EFGH", f"Make it yours: {URL}/claim?code=ABCD-EFGH"), ("", f"Sign in:       {URL}/sign-in")],
)
def test_addresses_and_claim_come_before_the_scan(
    code: str, start: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before_scan = []

    @contextmanager
    def booted(*_: Any) -> Iterator[Machine]:
        yield cast("Machine", Emulated(code))

    def follow(*_: Any) -> dict[str, Any]:
        before_scan.append(capsys.readouterr().out)
        return {"status": "completed", "files": 3, "seconds": 2.0}

    for name, value in {
        "booted": booted,
        "image": lambda _: Path("card"),
        "_music_disk": lambda *_: Path("disk"),
        "_wait_for_scan": lambda *_: 1,
        "_follow_scan": follow,
    }.items():
        monkeypatch.setattr(run, name, value)
    monkeypatch.setattr(hostpackages, "install", lambda: None)
    monkeypatch.setattr(build_root, "find", lambda: "tools")
    assert run.run("debian", {}, None, stay=False)["files"] == 3
    assert start in before_scan[0].splitlines()
