"""A person claims the machine by the code on its screen. This runs before any test that needs an owner."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx

from ..client import OWNER, REQUEST_TIMEOUT_SECONDS, Appliance, wait_for

CODE = r"enter the code ([A-Z2-9]{4}-[A-Z2-9]{4})"


def test_the_code_is_shown_and_makes_the_owner(appliance: Appliance, host: Any) -> None:
    code = appliance.run("soniquebay claim-code").strip()
    assert re.findall(CODE, host.check_output("cat /run/issue.d/soniquebay.issue")) == [code]
    assert "█" in host.check_output("cat /run/issue.d/soniquebay.issue")  # the QR code
    assert re.findall(CODE, host.check_output("cat /run/motd.d/soniquebay")) == [code]
    assert re.findall(CODE, appliance.machine.console.text())[-1:] == [code]
    assert host.check_output("stat -c '%a %U' /run/soniquebay-claim/code") == "600 soniquebay-api"
    assert appliance.http("/api/tracks").status == 401
    with httpx.Client(base_url=appliance.machine.url(), timeout=REQUEST_TIMEOUT_SECONDS) as browser:
        answer = browser.post("/claim", data={"code": code, **OWNER, "again": OWNER["password"]})
        assert answer.status_code == 303, answer.text
        assert browser.get("/api/session").json()["user"]["is_owner"]
    assert "has an owner already" in appliance.try_run("soniquebay claim-code")[1]


def test_the_consoles_show_the_state_once_there_is_an_owner(appliance: Appliance, host: Any) -> None:
    name = host.check_output("hostname")
    address = f"This is SoniqueBay on {name}: http://{name}.local"

    def issue() -> str | None:
        text: str = host.check_output("cat /run/issue.d/soniquebay.issue || true")
        return text if address in text and "Everything works." in text else None

    def is_on_the_console() -> bool:
        """Tell whether it was shown without a restart or a login."""
        return "Everything works." in _since_the_last(address, appliance.machine.console.text())

    shown = wait_for("the state in the file for the consoles", issue)
    assert (re.findall(CODE, shown), "█" in shown) == ([], False)
    assert host.check_output("ls -A /run/soniquebay-claim") == "console"
    wait_for("the state on the console", is_on_the_console)
    assert re.findall(CODE, _since_the_last(address, appliance.machine.console.text())) == []


def _since_the_last(text: str, console: str) -> str:
    return text + console.rpartition(text)[2] if text in console else ""


def test_an_administrator_needs_no_password_and_others_are_refused(appliance: Appliance) -> None:
    shown = appliance.machine.ssh("soniquebay status --json", timeout_seconds=REQUEST_TIMEOUT_SECONDS)  # without sudo
    assert json.loads(shown.stdout)["health"]["status"] == "ok"
    status, output = appliance.try_run("runuser -u nobody -- soniquebay status")
    assert (status != 0, "repeat it with sudo" in output) == (True, True)
