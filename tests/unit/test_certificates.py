"""The certificate of the web servers: made by this machine, or the owner's; and what is said of a wrong one."""

import asyncio
import contextlib
import shutil
import socket
import ssl
import stat
import subprocess
import threading
import time
from pathlib import Path

import pytest

from soniquebay import certificates
from soniquebay.api import served_certificate
from soniquebay.api.served_certificate import ServedCertificate
from soniquebay.certificates import CertificateError
from soniquebay.settings import Settings, from_environment


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return from_environment(
        {"SONIQUEBAY_TLS": "self-signed", "SONIQUEBAY_DATA": str(tmp_path), "SONIQUEBAY_HOSTS": "music.example.org"}
    )


def shown(file: Path, *what: str) -> str:
    command = ["openssl", "x509", "-in", str(file), "-noout", *what]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_the_machine_makes_a_certificate_of_its_names_once(settings: Settings) -> None:
    assert certificates.make_if_due(settings)
    file = settings.self_signed
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    made = file.read_bytes()
    text = shown(file, "-text")
    assert "ASN1 OID: prime256v1" in text and "CA:FALSE" in text
    host = socket.gethostname().lower()
    for name in ("localhost", host, f"{host.removesuffix('.local')}.local", "music.example.org"):
        assert "does match" in shown(file, "-checkhost", name)
    assert not certificates.make_if_due(settings)
    assert file.read_bytes() == made
    certificates.server_context(settings)


def make(file: Path, *, days: int, names: str = "DNS:localhost", key: str = "rsa:2048") -> None:
    """Make a certificate and its key in one file, and the key alone in another."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", key, "-nodes", "-days", str(days), "-subj", "/CN=x",
         "-addext", f"subjectAltName={names}", "-keyout", f"{file}.key", "-out", str(file)],
        check=True, capture_output=True,
    )  # fmt: skip


def test_a_certificate_is_made_anew_before_it_ends(settings: Settings) -> None:
    names = ",".join(f"DNS:{name}" for name in certificates.own_names(settings))
    for days, is_due in ((61, False), (59, True)):
        make(settings.self_signed, days=days, names=names)
        with settings.self_signed.open("a") as file:
            file.write(Path(f"{settings.self_signed}.key").read_text())
        assert certificates.make_if_due(settings) is is_due


@pytest.mark.parametrize("content", ["", "rubbish", None])
def test_a_certificate_is_made_anew_when_it_lacks_a_name_or_is_damaged(
    settings: Settings, content: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificates.make_if_due(settings)
    if content is None:
        monkeypatch.setattr(socket, "gethostname", lambda: "newname")
    else:
        settings.self_signed.write_text(content)
    assert certificates.make_if_due(settings)
    assert ("does match" in shown(settings.self_signed, "-checkhost", "newname.local")) is (content is None)


def test_without_openssl_one_is_told_what_to_do(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(CertificateError, match=r"openssl is not installed.*SONIQUEBAY_TLS=own"):
        certificates.make_if_due(settings)


def own(certificate: Path, key: Path) -> Settings:
    return from_environment({
        "SONIQUEBAY_TLS": "own", "SONIQUEBAY_TLS_CERTIFICATE": str(certificate), "SONIQUEBAY_TLS_KEY": str(key),
    })  # fmt: skip


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    make(tmp_path / "a.pem", days=2)
    return tmp_path / "a.pem", tmp_path / "a.pem.key"


def test_a_certificate_of_the_owner_is_used(pair: tuple[Path, Path]) -> None:
    certificates.server_context(own(*pair))
    both = pair[0].with_name("both.pem")
    both.write_text(pair[0].read_text() + pair[1].read_text())
    certificates.server_context(from_environment({"SONIQUEBAY_TLS": "own", "SONIQUEBAY_TLS_CERTIFICATE": str(both)}))


@pytest.mark.parametrize(
    ("days", "days_left", "said"),
    [
        (365, 30.5, None), (365, 29.5, "ends on"), (365, 0.1, "ends on"), (365, -0.1, "has ended on"),
        (8, 2.1, None), (8, 1.9, "ends on"),
    ],
)  # fmt: skip
def test_a_warning_comes_before_a_certificate_of_the_owner_ends(
    tmp_path: Path, days: int, days_left: float, said: str | None
) -> None:
    make(tmp_path / "a.pem", days=days)
    settings = own(tmp_path / "a.pem", tmp_path / "a.pem.key")
    validity = certificates.validity(settings)
    assert abs(validity.end - time.time() - days * 86400) < 60
    warning = certificates.end_warning(settings, validity, validity.end - days_left * 86400)
    date = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(validity.end))
    if said is None:
        assert warning is None
    else:
        assert (warning or "").startswith(f"the certificate in {tmp_path}/a.pem {said} {date}")


def test_the_log_warns_at_the_start_and_then_once_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert served_certificate.WARNING_INTERVAL_SECONDS == 86400
    monkeypatch.setattr(served_certificate, "WARNING_INTERVAL_SECONDS", 0.2)
    make(tmp_path / "a.pem", days=365)
    served = ServedCertificate(own(tmp_path / "a.pem", tmp_path / "a.pem.key"))
    assert served.end == pytest.approx(time.time() + 365 * 86400, abs=3600)

    async def run_for(seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(served.run(), seconds)

    asyncio.run(run_for(0.3))
    assert not caplog.messages
    monkeypatch.setattr(certificates, "WARNING_SECONDS", 366 * 86400)
    monkeypatch.setattr(certificates, "_WARNING_SHARE", 1.1)
    asyncio.run(run_for(0.3))
    assert [("ends on" in message) for message in caplog.messages] == [True, True]


def test_without_openssl_a_certificate_of_the_owner_is_served_all_the_same(
    pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    served = ServedCertificate(own(*pair))
    assert (served.warning(2**40), served.end) == (None, None)
    assert "nobody will be warned before the certificate ends: openssl is not installed" in caplog.text


def test_a_wrong_certificate_is_named(pair: tuple[Path, Path], tmp_path: Path) -> None:
    certificate, key = pair
    make(tmp_path / "b.pem", days=2)
    encrypted, empty, damaged = tmp_path / "encrypted.key", tmp_path / "empty.pem", tmp_path / "damaged.pem"
    subprocess.run(
        ["openssl", "pkey", "-in", str(key), "-aes256", "-passout", "pass:abcd", "-out", str(encrypted)], check=True
    )
    empty.touch()
    damaged.write_text(certificate.read_text().replace("MII", "MIX", 1))
    for wrong, expected in (
        ((certificate, tmp_path / "b.pem.key"), f"the key in {tmp_path}/b.pem.key is not that of the certificate"),
        ((tmp_path / "none.pem", key), f"{tmp_path}/none.pem cannot be read .No such file"),
        ((certificate, tmp_path / "none.key"), f"{tmp_path}/none.key cannot be read"),
        ((key, key), f"{key} has no certificate"),
        ((certificate, certificate), f"{certificate} has no private key"),
        ((certificate, encrypted), f"the key in {encrypted} is encrypted"),
        ((empty, key), f"{empty} is empty, or there is no such file"),
        ((damaged, key), f"{damaged} and {key} cannot be used"),
        ((tmp_path, key), f"{tmp_path} cannot be read .Is a directory"),
    ):
        with pytest.raises(CertificateError, match=expected):
            certificates.server_context(own(*wrong))


def test_the_files_that_systemd_hands_over_are_read_and_the_owners_are_named(
    pair: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed = tmp_path / "credentials"
    handed.mkdir()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(handed))
    settings = own(Path("/etc/ssl/private/music.pem"), Path("/etc/ssl/private/music.key"))
    shutil.copy(pair[0], handed / "certificate")
    shutil.copy(pair[1], handed / "key")
    certificates.server_context(settings)
    (handed / "key").write_text("\n")
    with pytest.raises(CertificateError, match=r"/etc/ssl/private/music\.key is empty"):
        certificates.server_context(settings)


def test_a_renewed_certificate_is_taken_by_a_server_that_runs(settings: Settings) -> None:
    certificates.make_if_due(settings)
    context = certificates.server_context(settings)

    def presented() -> bytes | None:
        ours, theirs = socket.socketpair()
        client = ssl.create_default_context()
        client.check_hostname, client.verify_mode = False, ssl.CERT_NONE

        def serve() -> None:
            with context.wrap_socket(theirs, server_side=True) as sock:
                sock.recv(1)

        server = threading.Thread(target=serve)
        server.start()
        with client.wrap_socket(ours) as sock:
            certificate = sock.getpeercert(binary_form=True)
            sock.send(b".")
        server.join()
        return certificate

    first = presented()
    settings.self_signed.unlink()
    certificates.make_if_due(settings)
    assert presented() == first
    certificates.load(context, settings)
    assert presented() != first
