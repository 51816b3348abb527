"""The pages on which a person signs in, as browsers and strangers use them."""

import asyncio
import re
import threading
import time
from pathlib import Path

import anyio.to_thread
import httpx
import pytest
from fastapi.testclient import TestClient

from image.paths import ROOT
from soniquebay.api.public import public_app
from soniquebay.api.server import make_services
from soniquebay.api.sign_in import own_page
from soniquebay.listeners import users
from soniquebay.settings import from_environment

OWNER = {"name": "Ada", "password": "correct horse"}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    folder = str(tmp_path_factory.mktemp("data"))
    services = make_services(from_environment({"SONIQUEBAY_DATA": folder, "SONIQUEBAY_CLAIM_FOLDER": folder}))
    services.accounts.make_owner(**OWNER)
    return TestClient(public_app(services), "http://pi.local", raise_server_exceptions=False, follow_redirects=False)


@pytest.mark.parametrize("page", ["/sign-in", "/claim"])
def test_a_form_with_too_many_fields_is_refused(client: TestClient, page: str) -> None:
    assert client.post(page, data={f"field{n}": "" for n in range(30)}).status_code == 422


def form_action(client: TestClient, target: str) -> str:
    """Return to where browsers let the form lead; it is the same after a wrong password."""
    page = client.get("/sign-in", params={"next": target})
    again = client.post("/sign-in", data={"name": "Ada", "password": "x", "next": target})
    policies = {answer.headers["content-security-policy"] for answer in (page, again)}
    assert (page.status_code, again.status_code, len(policies)) == (200, 401, 1)
    directives = dict(part.strip().split(" ", 1) for part in policies.pop().split(";"))
    assert directives["default-src"] == "'self'"
    return directives["form-action"]


def test_the_form_may_lead_to_flower_and_nowhere_else(client: TestClient) -> None:
    assert form_action(client, "http://pi.local:5555/tasks?a=b") == "'self' http://pi.local:5555"
    for target in ("/docs", "http://evil.example:5555/", "http://pi.local:5555;script-src *", "//evil.example"):
        assert form_action(client, target) == "'self'"


@pytest.mark.parametrize("port", ["x", "80 'unsafe-inline'", "80;x", "99999", "٣"])
def test_no_page_has_a_port_that_is_none(port: str) -> None:
    assert own_page(f"http://pi.local:{port}/", "pi.local") == "/"
    assert own_page("http://pi.local:5555/", "pi.local") == "http://pi.local:5555/"


@pytest.mark.parametrize(
    ("path", "kind"), [("/sign-in", "data"), ("/api/sign-in", "json"), ("/claim", "data"), ("/api/claim", "json")]
)
def test_many_passwords_at_once_hold_up_no_other_request(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, path: str, kind: str
) -> None:
    goes_on = threading.Event()

    def slow(*_: object) -> None:
        goes_on.wait(30)

    monkeypatch.setattr(users, "authenticate", slow)
    monkeypatch.setattr(client.app.state.services.accounts, "claim", slow)  # type: ignore[attr-defined]

    async def wait() -> float:
        anyio.to_thread.current_default_thread_limiter().total_tokens = 2
        body = (
            OWNER
            | ({"code": "x"} if "claim" in path else {})
            | ({"again": OWNER["password"]} if kind == "data" else {})
        )
        transport = httpx.ASGITransport(client.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as browser:
            attempts = [asyncio.create_task(browser.post(path, **{kind: body})) for _ in range(6)]  # type: ignore[arg-type]
            await asyncio.sleep(0.2)
            asyncio.get_running_loop().call_later(5, goes_on.set)
            started = time.monotonic()
            assert (await browser.get("/api/session")).status_code == 200
            waited = time.monotonic() - started
            goes_on.set()
            await asyncio.gather(*attempts)
            return waited

    assert asyncio.run(wait()) < 4


@pytest.fixture
def unclaimed(tmp_path: Path) -> TestClient:
    folder = str(tmp_path)
    services = make_services(from_environment({"SONIQUEBAY_DATA": folder, "SONIQUEBAY_CLAIM_FOLDER": folder}))
    return TestClient(public_app(services), "http://pi.local", raise_server_exceptions=False, follow_redirects=False)


def test_the_claim_tells_of_the_code_only_while_it_is_not_filled_in(unclaimed: TestClient) -> None:
    assert "sudo soniquebay claim-code" in unclaimed.get("/claim").text
    linked = unclaimed.get("/claim", params={"code": "ABCD-EFGH"}).text
    assert ("claim-code" in linked, "Choose your name and a password" in linked) == (False, True)
    assert 'value="ABCD-EFGH"' in linked
    wrong = unclaimed.post("/claim", data={"code": "ABCD-EFGH", "name": "A", "password": "x" * 12, "again": "x" * 12})
    assert (wrong.status_code, "Its screen shows a code" in wrong.text) == (401, True)


@pytest.mark.parametrize(
    ("accepted", "language", "words"),
    [
        ("de-DE,de;q=0.9,en;q=0.8", "de", "Dieses Gerät hat noch niemanden"),
        ("fr", "fr", "Cet appareil n’a pas encore de propriétaire"),
        ("pt-BR,fr;q=0.5", "fr", "Cet appareil n’a pas encore de propriétaire"),
        ("ja", "en", "This appliance has no owner yet"),
        ("", "en", "This appliance has no owner yet"),
    ],
)
def test_forms_have_the_language_of_the_browser(
    unclaimed: TestClient, accepted: str, language: str, words: str
) -> None:
    page = unclaimed.get("/claim", headers={"Accept-Language": accepted}).text
    assert (f'<html lang="{language}">' in page, words in page) == (True, True)


def test_a_form_has_the_logo_and_the_colours_of_the_page(client: TestClient) -> None:
    assert '<img src="/icon.svg"' in client.get("/sign-in").text
    tokens = (ROOT / "app/web/src/styles/tokens.css").read_text()
    style = client.get("/sign-in/style.css").text
    for name in ("ground", "surface", "text", "accent", "on-accent", "danger"):
        (value,) = re.findall(rf"--{name}: (.*);", tokens)
        assert f"--{name}: {value};" in style
