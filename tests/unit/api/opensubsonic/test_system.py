"""Who may call, in which forms, and what the server says of itself."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from soniquebay.api.opensubsonic import routes
from soniquebay.api.public import public_app
from soniquebay.api.server import make_services
from soniquebay.settings import from_environment
from tests.unit.api.opensubsonic.client import NAMESPACE, Client


def code(http: TestClient, method: str = "ping", **parameters: Any) -> int:
    content = http.get(f"/rest/{method}", params={"f": "json", **parameters}).json()["subsonic-response"]
    return 0 if content["status"] == "ok" else int(content["error"]["code"])


def token(password: str, salt: str) -> dict[str, str]:
    return {"t": hashlib.md5((password + salt).encode()).hexdigest(), "s": salt}  # noqa: S324 - as the API has it


def test_one_app_password_signs_in_in_every_way(http: TestClient, bob: Client) -> None:
    password = bob.password
    hexadecimal = password.encode().hex()
    for given in (
        {"u": "Bob", "p": password}, {"u": "bob", "p": f"enc:{hexadecimal}"}, {"apiKey": password},
        {"u": "Bob", **token(password, "x1")}, {"u": "BOB", "p": f"enc:{hexadecimal.upper()}"},
    ):  # fmt: skip
        assert code(http, **given, v="1.2.0", c="DSub") == 0, given
        assert code(http, **given) == 0, given
        posted = http.post("/rest/ping.view", data={**given, "f": "json"})
        assert posted.json()["subsonic-response"]["status"] == "ok"


def test_refusals(http: TestClient, ada: Client, bob: Client) -> None:
    password = bob.password
    for given, expected in (
        ({}, 10), ({"u": "Bob"}, 10), ({"p": password}, 10), ({"u": "Bob", "t": "x"}, 10), ({"u": "Bob", "p": ""}, 10),
        ({"u": "Bob", "p": "long enough"}, 40), ({"u": "Bob", **token("long enough", "x")}, 40),
        ({"u": "Ada", "p": password}, 40), ({"u": "Ada", **token(password, "x")}, 40), ({"u": "Eve", "p": "x"}, 40),
        ({"u": "Bob", "p": "enc:zz"}, 40), ({"u": "Bob", "p": "enc:ff"}, 40), ({"u": "x" * 9000, "p": password}, 40),
        ({"u": "Bob", "p": password, "apiKey": password}, 43), ({"u": "Bob", "apiKey": password}, 43),
        ({"u": "Bob", "p": password, **token(password, "x")}, 43), ({"u": "Bob", "jwt": "x"}, 42),
        ({"apiKey": "wrong"}, 44),
    ):  # fmt: skip
        assert code(http, **given) == expected, given
    answer = http.get("/rest/ping", params={"u": "Bob", "p": "long enough", "f": "json"})
    assert "app password" in answer.json()["subsonic-response"]["error"]["message"]
    assert code(http, u="Bob", p=password) == 0


def test_every_method_but_one_needs_a_login(http: TestClient) -> None:
    for method in (*routes.METHODS, *routes.SOUND, *routes.PICTURES, "nothing"):
        assert code(http, method) == 10, method
    assert code(http, "getOpenSubsonicExtensions") == 0


def test_the_forms_of_an_answer(http: TestClient, ada: Client) -> None:
    root = ada.xml("ping.view")
    assert root.attrib["status"] == "ok" and root.attrib["openSubsonic"] == "true"
    assert ada.xml("ping", f="yaml").attrib["version"] == "1.16.1"
    answer = ada.send("ping", f="jsonp", callback="a.b")
    assert answer.headers["content-type"] == "application/javascript"
    assert json.loads(answer.text.removeprefix("a.b(").removesuffix(");"))["subsonic-response"]["status"] == "ok"
    for callback, expected in (("", 10), ("alert(1)//", 0)):
        content = ada.send("ping", f="jsonp", callback=callback).json()["subsonic-response"]
        assert (content["status"], content["error"]["code"]) == ("failed", expected)
    assert ada.send("ping", post=True, f="json").json()["subsonic-response"]["status"] == "ok"
    assert http.head("/rest/ping").status_code == 200
    assert code(http, "no/such", u="Ada", p=ada.password) == 0
    wrong = ada.xml("nothing")
    assert (wrong.attrib["status"], wrong[0].attrib["code"]) == ("failed", "0")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    too_many = http.post("/rest/ping", content=b"a=1&" * 30_000, headers=form)
    assert 'code="0"' in too_many.text
    assert 'code="10"' in http.post("/rest/ping", content=b"\xff\xfe&%ff=%ff&=&&;", headers=form).text


def test_what_the_server_says_of_itself(ada: Client, bob: Client) -> None:
    assert ada.get("ping").keys() == {"status", "version", "type", "serverVersion", "openSubsonic"}
    assert ada.get("getLicense")["license"] == {"valid": True}
    listed = {e["name"]: e["versions"] for e in ada.get("getOpenSubsonicExtensions")["openSubsonicExtensions"]}
    assert set(listed) == {
        "formPost", "songLyrics", "indexBasedQueue", "topSongsByArtistId", "apiKeyAuthentication", "transcodeOffset",
        "sonicSimilarity",
    }  # fmt: skip
    versions = ada.xml("getOpenSubsonicExtensions").findall(f"{NAMESPACE}openSubsonicExtensions/{NAMESPACE}versions")
    assert [v.text for v in versions] == ["1"] * 7
    assert bob.get("tokenInfo")["tokenInfo"] == {"username": "Bob"}


def test_users(ada: Client, bob: Client) -> None:
    assert ada.get("getUser", username="ada")["user"]["adminRole"] is True
    assert ada.get("getUser", username="Bob")["user"]["adminRole"] is False
    assert bob.get("getUser")["user"]["username"] == "Bob"
    assert [user["username"] for user in ada.get("getUsers")["users"]["user"]] == ["Ada", "Bob"]
    assert ada.error("getUser", username="Eve") == 70
    assert (bob.error("getUser", username="Ada"), bob.error("getUsers")) == (50, 50)
    for method in ("createUser", "updateUser", "deleteUser", "changePassword"):
        assert ada.error(method, username="Bob") == 50


def test_scans(ada: Client, bob: Client) -> None:
    assert ada.get("getScanStatus")["scanStatus"] == {"scanning": True, "count": 13}  # that of the insertion
    assert bob.error("startScan") == 50
    assert ada.get("startScan")["scanStatus"]["scanning"] is True


def test_pages_of_other_sites_may_call_without_a_cookie(http: TestClient, ada: Client) -> None:
    foreign = {"Origin": "https://player.example", "Sec-Fetch-Site": "cross-site"}
    given = {"u": "Ada", "p": ada.password}
    for answer in (http.get("/rest/ping", params=given, headers=foreign),
                   http.post("/rest/ping", data=given, headers=foreign)):  # fmt: skip
        assert (answer.status_code, 'status="ok"' in answer.text) == (200, True)
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
        assert "access-control-allow-credentials" not in answer.headers
    preflight = http.options("/rest/stream.view", headers={**foreign, "Access-Control-Request-Method": "POST"})
    assert (preflight.status_code, preflight.headers["access-control-allow-headers"]) == (204, "*")
    with_cookie = http.post("/rest/ping", data=given, headers={**foreign, "Cookie": "soniquebay_session=x"})
    assert with_cookie.status_code == 403
    for path in ("/api/tracks", "/api/session", "/restx", "/rest"):
        answer = http.get(path, headers=foreign)
        assert "access-control-allow-origin" not in answer.headers
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert http.options(path, headers=foreign).status_code != 204
        assert http.post(path, headers=foreign).status_code == 403


def test_an_appliance_without_a_login_keeps_nothing_of_users(tmp_path: Path) -> None:
    settings = from_environment({"SONIQUEBAY_DATA": str(tmp_path), "SONIQUEBAY_LOGIN": "off"})
    client = Client(TestClient(public_app(make_services(settings)), "http://localhost"), "anybody", "anything")
    assert client.get("getUser", username="anybody")["user"]["adminRole"] is True
    assert client.error("tokenInfo") == 50
    assert client.get("ping")


@pytest.mark.parametrize("value", ["x", "1e3", "", "-", "9" * 30, "1.5", "٣"])
def test_a_number_that_is_none_is_an_error_and_nothing_worse(ada: Client, value: str) -> None:
    assert ada.send("getUser", f="json", maxBitRate=value, v=value).json()["subsonic-response"]["status"] == "ok"
