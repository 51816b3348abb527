"""Running programs with TLS: the machine's own certificate, the owner's, and what the port without TLS answers."""

import http.cookies
import json
import ssl
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.audio_files import tone
from tests.support.stack import Stack, free_port, wait_until

OWNER = {"name": "Ada", "password": "correct horse"}
BROWSER = {"Accept": "text/html"}


class TlsStack(Stack):
    """A stack with TLS and a login."""

    def __init__(self, music: Path, data: Path, **settings: str) -> None:
        self.https_port = free_port()
        self.https_url = f"https://localhost:{self.https_port}"
        super().__init__(music, data, login=True, SONIQUEBAY_HTTPS_PORT=str(self.https_port), **settings)


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("music")
    tone(folder / "a.flac", seconds=1, title="Song")
    return folder


@pytest.fixture(scope="module")
def stack(music: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsStack]:
    running = TlsStack(music, tmp_path_factory.mktemp("data"), SONIQUEBAY_TLS="self-signed")
    yield running
    assert running.stop() == 0


def trusting(certificate: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=certificate)
    context.verify_flags |= ssl.VERIFY_X509_STRICT  # the default of Python 3.13
    return context


@pytest.fixture(scope="module")
def browser(stack: TlsStack) -> Iterator[httpx.Client]:
    """Claim the stack by the link that `serve` prints, with the machine's own certificate as the only trusted one."""
    link = next(line for line in stack.output if "Make it yours: " in line).split(": ", 1)[1].strip()
    code = link.partition("code=")[2]
    assert link.startswith(f"https://127.0.0.1:{stack.https_port}/claim")
    with httpx.Client(verify=trusting(stack.data / "self-signed.pem"), base_url=stack.https_url, timeout=30) as client:
        answer = client.post("/claim", data={"code": code, **OWNER, "again": OWNER["password"]})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        for header in answer.headers.get_list("set-cookie"):
            (cookie,) = http.cookies.SimpleCookie(header).values()
            assert (cookie["secure"], cookie["httponly"], cookie["path"]) == (True, True, "/")
        yield client


def test_browsers_verify_the_machines_own_certificate(stack: TlsStack, browser: httpx.Client) -> None:
    assert stat.S_IMODE((stack.data / "self-signed.pem").stat().st_mode) == 0o600
    answer = browser.get("/api/session")
    assert answer.json()["user"]["name"] == "Ada"
    assert "strict-transport-security" not in answer.headers
    with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
        httpx.get(f"{stack.https_url}/api/health")


def test_music_and_events_come_by_tls(stack: TlsStack, browser: httpx.Client) -> None:
    stack.cli("scan", "--wait", control=True)
    (track,) = browser.get("/api/tracks").json()["items"]
    assert browser.get(f"/api/tracks/{track['id']}/stream").content == (stack.music / "a.flac").read_bytes()
    with browser.stream("GET", "/api/events") as events:
        assert next(line for line in events.iter_lines() if line.startswith("data:"))


def test_without_tls_browsers_are_led_and_apps_are_told(stack: TlsStack) -> None:
    led = httpx.get(f"http://localhost:{stack.port}/docs?a=%2Fb", headers=BROWSER)
    assert (led.status_code, led.headers["location"]) == (308, f"{stack.https_url}/docs?a=%2Fb")
    told = httpx.get(f"{stack.url}/api/tracks", headers={"Authorization": "Bearer x"})
    assert told.status_code == 403
    assert told.json()["detail"] == (f"this appliance is reached by TLS only: use https://127.0.0.1:{stack.https_port}")
    assert httpx.post(f"{stack.url}/sign-in", data=OWNER, headers=BROWSER).status_code == 403
    for wanted, expected in (("json", '{"code":0,"message":"'), ("xml", '<error code="0" message="')):
        refusal = httpx.get(f"{stack.url}/rest/ping.view", params={"u": "Ada", "p": "x", "f": wanted})
        assert (refusal.status_code, expected in refusal.text) == (200, True)
        assert f"https://127.0.0.1:{stack.https_port} as the server" in refusal.text
    assert httpx.get(f"{stack.url}/api/health").json()["status"] == "ok"
    # No foreign name leads anybody anywhere.
    foreign = httpx.get(f"{stack.url}/docs", headers={**BROWSER, "Host": "evil.example"})
    assert foreign.status_code == 421


def test_flower_has_the_same_certificate_and_login(stack: TlsStack, browser: httpx.Client) -> None:
    url = f"https://localhost:{stack.flower_port}"
    with httpx.Client(verify=trusting(stack.data / "self-signed.pem"), timeout=30) as stranger:
        led = stranger.get(f"{url}/workers", headers=BROWSER)
        assert led.headers["location"].startswith(f"{stack.https_url}/sign-in?next=https%3A%2F%2Flocalhost")
        form = {**OWNER, "next": f"{url}/workers"}
        signed_in = stranger.post(led.headers["location"].partition("?")[0], data=form)
        assert signed_in.headers["location"] == f"{url}/workers"
        assert stranger.get(signed_in.headers["location"]).status_code == 200


def test_the_command_line_signs_in_by_tls(stack: TlsStack, browser: httpx.Client, tmp_path: Path) -> None:
    done = subprocess.run(
        [stack.python, "-m", "soniquebay.cli", "login", stack.https_url, "--name", "Ada"],
        input=f"{OWNER['password']}\n", capture_output=True, text=True, check=False, timeout=60,
        env={**stack.environment(), "SSL_CERT_FILE": str(stack.data / "self-signed.pem"), "HOME": str(tmp_path),
             "XDG_CONFIG_HOME": str(tmp_path)},
    )  # fmt: skip
    assert (done.returncode, "signed in at https://" in done.stdout) == (0, True), done.stderr


def make(folder: Path, name: str) -> dict[str, str]:
    """Make a certificate of the owner; return the settings that name it."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext",
         "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    return {"SONIQUEBAY_TLS_CERTIFICATE": str(certificate), "SONIQUEBAY_TLS_KEY": str(key), "SONIQUEBAY_TLS": "own"}


def test_a_certificate_of_the_owner(music: Path, tmp_path: Path) -> None:
    (tmp_path / "certificates").mkdir()
    settings = make(tmp_path / "certificates", "own")
    certificate = Path(settings["SONIQUEBAY_TLS_CERTIFICATE"])
    for restart in (False, True):
        if restart:
            make(tmp_path / "certificates", "own")  # other files of the same names
        running = TlsStack(music, tmp_path / "data", **settings)
        try:
            answer = httpx.get(f"{running.https_url}/api/health", verify=trusting(certificate))
            assert answer.headers["strict-transport-security"] == "max-age=15552000"
            plain = httpx.get(f"{running.url}/api/health")
            assert "strict-transport-security" not in plain.headers
            flower = f"https://localhost:{running.flower_port}/healthcheck"
            wait_until(lambda flower=flower: httpx.get(flower, verify=trusting(certificate)).status_code == 401)
        finally:
            assert running.stop() == 0
    assert not (tmp_path / "data" / "self-signed.pem").exists()


def test_the_owner_is_told_that_the_certificate_has_ended(music: Path, tmp_path: Path) -> None:
    settings = make(tmp_path, "own")
    certificate, key = settings["SONIQUEBAY_TLS_CERTIFICATE"], settings["SONIQUEBAY_TLS_KEY"]
    again = ["openssl", "x509", "-in", certificate, "-signkey", key, "-days", "-1", "-out", f"{certificate}.ended"]
    subprocess.run(again, check=True, capture_output=True)
    stack = TlsStack(music, tmp_path / "data", **settings | {"SONIQUEBAY_TLS_CERTIFICATE": f"{certificate}.ended"})
    try:
        told = f"the certificate in {certificate}.ended has ended on "
        log = stack.data / "logs/api.log"
        wait_until(lambda: told in log.read_text())
        assert f"Warning: {told}" in stack.cli("status", control=True).stdout
        shown = json.loads(stack.cli("status", "--json", control=True).stdout)
        assert (shown["health"]["status"], len(shown["health"]["warnings"])) == ("ok", 1)
        assert httpx.get(f"{stack.url}/api/health").json()["warnings"] == []
    finally:
        assert stack.stop() == 0


def test_a_wrong_key_ends_the_start_with_what_to_do(music: Path, tmp_path: Path) -> None:
    settings = make(tmp_path, "own") | {"SONIQUEBAY_TLS_KEY": make(tmp_path, "other")["SONIQUEBAY_TLS_KEY"]}
    with pytest.raises(AssertionError) as ended:
        TlsStack(music, tmp_path / "data", **settings)
    assert f"the key in {tmp_path}/other.key is not that of the certificate in {tmp_path}/own.pem" in str(ended.value)
    assert "Traceback" not in str(ended.value)
