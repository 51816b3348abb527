"""The certificate of the web servers: made by this machine, or the owner's; and what is said of a wrong one."""

import shutil
import socket
import ssl
import stat
import subprocess
import threading
from pathlib import Path

import pytest

from soniquebay import certificates
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
