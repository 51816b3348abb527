"""The page of the apps: a user makes and revokes app passwords there, without a script and without a terminal."""

import html
import re

import pytest
from fastapi.testclient import TestClient

from soniquebay.api.public import public_app
from soniquebay.api.server import make_services
from soniquebay.listeners import users
from soniquebay.settings import from_environment
from tests.unit.api.test_sign_in import OWNER

SHOWN = re.compile(r"<dt>(.*?)</dt><dd><code>(.*?)</code></dd>")


@pytest.fixture
def client(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    folder = str(tmp_path_factory.mktemp("data"))
    services = make_services(from_environment({"SONIQUEBAY_DATA": folder, "SONIQUEBAY_CLAIM_FOLDER": folder}))
    services.accounts.make_owner(**OWNER)
    with services.accounts.change() as db:
        users.add(db, "Eve", "correct horse", "listen")
    client = TestClient(public_app(services), "http://pi.local", follow_redirects=False)
    client.headers["accept"] = "text/html"
    return client


def sign_in(client: TestClient, name: str = "Ada") -> None:
    answer = client.post("/sign-in", data={"name": name, "password": OWNER["password"], "next": "/apps"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/apps")


def shown(text: str) -> dict[str, str]:
    return {name: html.unescape(value) for name, value in SHOWN.findall(text)}


def test_the_sign_in_comes_before_it(client: TestClient) -> None:
    assert client.get("/apps").headers["location"] == "/sign-in?next=%2Fapps"
    sign_in(client)
    page = client.get("/apps")
    assert (page.status_code, page.headers["cache-control"]) == (200, "no-store")
    assert "script" not in page.text


def test_a_password_is_made_shown_once_and_works(client: TestClient) -> None:
    sign_in(client)
    page = client.post("/apps", data={"name": "My <phone>"})
    settings = shown(page.text)
    assert (settings["Server"], settings["Name"]) == ("http://pi.local", "Ada")
    assert "<phone>" not in page.text
    parameters = {"u": settings["Name"], "p": settings["Password"], "c": "player", "v": "1.16.1", "f": "json"}
    assert client.get("/rest/ping", params=parameters).json()["subsonic-response"]["status"] == "ok"
    again = client.get("/apps").text
    assert settings["Password"] not in again
    assert "My &lt;phone&gt;" in again
    assert "by player" in again
    assert client.get("/rest/startScan", params=parameters).json()["subsonic-response"]["error"]["code"] == 50


def test_a_name_that_is_taken_or_empty_is_told_and_kept_in_the_form(client: TestClient) -> None:
    sign_in(client)
    assert client.post("/apps", data={"name": "phone"}).status_code == 200
    for name in ("phone", "", "x" * 65, "a\0b"):
        page = client.post("/apps", data={"name": name})
        assert page.status_code == 422
        assert 'role="alert"' in page.text
        assert not shown(page.text)
    assert 'value="phone"' in client.post("/apps", data={"name": "phone"}).text


def test_a_revoked_app_is_refused(client: TestClient) -> None:
    sign_in(client)
    password = shown(client.post("/apps", data={"name": "phone"}).text)["Password"]
    bearer = {"Authorization": f"Bearer {password}"}
    assert client.get("/api/albums", headers=bearer).status_code == 200
    (number,) = re.findall(r'name="id" value="(\d+)"', client.get("/apps").text)
    for wrong in ("", "x", "99", "-1", "9" * 40, "٣"):
        assert client.post("/apps/revoke", data={"id": wrong}).status_code == 303
    assert client.get("/api/albums", headers=bearer).status_code == 200
    assert client.post("/apps/revoke", data={"id": number}).headers["location"] == "/apps"
    client.cookies.clear()
    assert client.get("/api/albums", headers=bearer).status_code == 401


def test_only_who_may_manage_makes_an_app_that_may(client: TestClient) -> None:
    for name, role in (("Ada", "manage"), ("Eve", "listen")):
        sign_in(client, name)
        assert ('name="manages"' in client.get("/apps").text) == (role == "manage")
        client.post("/apps", data={"name": "phone", "manages": "on"})
        assert [app["role"] for app in client.get("/api/account/app-passwords").json()["items"]] == [role]


def test_nobody_revokes_the_app_of_another_user(client: TestClient) -> None:
    sign_in(client)
    client.post("/apps", data={"name": "phone"})
    (number,) = re.findall(r'name="id" value="(\d+)"', client.get("/apps").text)
    sign_in(client, "Eve")
    client.post("/apps/revoke", data={"id": number})
    sign_in(client)
    assert len(client.get("/api/account/app-passwords").json()["items"]) == 1


def test_an_app_and_a_foreign_page_make_no_password(client: TestClient) -> None:
    sign_in(client)
    password = shown(client.post("/apps", data={"name": "phone"}).text)["Password"]
    assert client.post("/apps", data={"name": "b"}, headers={"Origin": "http://evil.example"}).status_code == 403
    session = client.cookies.get("soniquebay_session")
    assert session
    client.cookies.clear()
    answer = client.post("/apps", data={"name": "b"}, headers={"Authorization": f"Bearer {password}"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/apps")
    assert client.post("/apps", data={"name": "b"}).status_code == 401
    client.cookies.set("soniquebay_session", session)
    assert len(client.get("/api/account/app-passwords").json()["items"]) == 1


def test_signing_out_ends_the_session(client: TestClient) -> None:
    sign_in(client)
    session = client.cookies.get("soniquebay_session")
    assert session
    assert client.post("/sign-out").headers["location"] == "/sign-in"
    assert not client.cookies.get("soniquebay_session")
    client.cookies.set("soniquebay_session", session)
    assert client.get("/api/albums", headers={"accept": "*/*"}).status_code == 401
