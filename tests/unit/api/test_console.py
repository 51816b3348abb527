"""What the screens of a machine show, before and after the claim, as agetty shows it."""

import asyncio
import os
import pty
import re
import socket
import subprocess
from pathlib import Path

import pytest

from soniquebay.api import background_jobs, health
from soniquebay.api.console import Console
from soniquebay.api.server import make_services
from soniquebay.api.services import Services
from soniquebay.settings import from_environment
from tests.support.small_disk import full_disk, needs_root, small_disk

CODE = r"[A-Z2-9]{4}-[A-Z2-9]{4}"
OWNER, PASSWORD = "Ada Lovelace", "correct horse"


def services_of(data: Path, folder: Path, **more: str) -> Services:
    variables = {"DATA": str(data), "CLAIM_FOLDER": str(folder / "claim"), **more}
    return make_services(from_environment({f"SONIQUEBAY_{name}": value for name, value in variables.items()}))


def shown(folder: Path) -> str:
    """Return what stands on a console above its prompt."""
    agetty = ["/usr/sbin/agetty", "--show-issue", "--issue-file", str(folder / "claim/console")]
    terminal, side_of_agetty = pty.openpty()
    try:
        return subprocess.run(agetty, check=True, stdin=side_of_agetty, stdout=subprocess.PIPE, text=True).stdout
    finally:
        os.close(terminal)
        os.close(side_of_agetty)


def answers(monkeypatch: pytest.MonkeyPatch, **parts: str) -> None:
    """Have the parts of the appliance answer: `ok` where nothing else is said."""
    states = {name: parts.get(name, "ok") for name in health._CHECKS}
    monkeypatch.setattr(health, "_CHECKS", {name: lambda _, state=state: state for name, state in states.items()})


def test_the_claim_puts_name_address_and_state_in_the_place_of_the_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers(monkeypatch)
    services = services_of(tmp_path, tmp_path)
    console = Console(services)
    console.run()
    before = shown(tmp_path)
    assert re.search(CODE, before) and "█" in before and socket.gethostname() in before
    services.accounts.make_owner(OWNER, PASSWORD)
    assert not (tmp_path / "claim/console").exists()  # nobody waits for the next look to be rid of the code
    console.run()
    name = socket.gethostname()
    assert shown(tmp_path) == f"This is SoniqueBay on {name}: http://{name}.local\nEverything works.\n\n"
    assert {path.name for path in (tmp_path / "claim").iterdir()} == {"console"}


def test_it_says_what_is_wrong_and_nothing_that_not_everybody_may_see(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = f"{tmp_path}/redis.sock does not answer {OWNER}"
    answers(monkeypatch, redis=secret, worker=secret)
    services = services_of(tmp_path, tmp_path, LOGIN="off")
    Console(services).run()
    text = shown(tmp_path)
    assert "Without an answer: Redis, the worker. The command soniquebay status says more." in text
    assert not any(word in text for word in (str(tmp_path), OWNER, "█"))
    assert re.search(CODE, text) is None
    answers(monkeypatch)
    Console(services).run()
    assert "Everything works." in shown(tmp_path)


@needs_root
def test_it_says_that_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch)
    with small_disk(tmp_path / "data") as data:
        services = services_of(data, tmp_path, LOGIN="off")
        with full_disk(data):
            Console(services).run()
        assert "The disk is full, so nothing can be saved: whoever manages" in shown(tmp_path)
        assert str(data) not in shown(tmp_path)


@needs_root
def test_a_file_that_cannot_be_written_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Under `soniquebay serve` it is on the disk of the data."""
    answers(monkeypatch)

    async def fill_the_disk_for_a_while(services: Services, disk: Path) -> None:
        jobs = background_jobs.show_state(services, 0.05)
        job = asyncio.create_task(jobs)
        with full_disk(disk):
            while caplog.text.count("the screen shows no state: OSError: [Errno 28]") < 2:
                await asyncio.sleep(0.05)
            assert not (disk / "claim/console").exists()
        while not (disk / "claim/console").exists():
            await asyncio.sleep(0.05)
        job.cancel()

    with small_disk(tmp_path / "disk") as disk:
        services = services_of(tmp_path / "data", disk, LOGIN="off")
        asyncio.run(asyncio.wait_for(fill_the_disk_for_a_while(services, disk), 30))
        assert "Everything works." in shown(disk)
    assert "Traceback" not in caplog.text


def test_a_state_that_stays_is_not_written_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each change has every console show its text anew, also to a person who is about to sign in."""
    answers(monkeypatch)
    console = Console(services_of(tmp_path, tmp_path, LOGIN="off"))
    console.run()
    written = (tmp_path / "claim/console").stat().st_ino
    console.run()
    assert (tmp_path / "claim/console").stat().st_ino == written
    (tmp_path / "claim/console").write_text("SoniqueBay does not run now.\n")  # by the unit, when the API has ended
    console.run()
    assert "Everything works." in shown(tmp_path)
