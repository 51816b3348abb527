"""The certificate of the web servers: one that this machine makes and signs itself, or one of the owner's."""

import logging
import os
import re
import socket
import ssl
import subprocess
import time
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path

from soniquebay.addresses import is_host_name
from soniquebay.atomic_file import replace_file
from soniquebay.settings import Settings

log = logging.getLogger(__name__)

ServerContext = ssl.SSLContext
LIFETIME_DAYS = 820  # Apple's devices refuse a certificate of more than 825
RENEWAL_SECONDS = 60 * 86400  # before its end; Flower takes the new one when it starts the next time
WARNING_SECONDS = 30 * 86400  # before the end of the owner's certificate
_WARNING_SHARE = 0.25  # of its validity, where that is less: those of some authorities last a few days or weeks
CLOCK_TOLERANCE_SECONDS = 86400.0  # before the network has told the time
MAKING_TIMEOUT_SECONDS = 60.0
WAIT_SECONDS = 30.0  # of Flower, for the API to make the certificate at its first start
WAIT_INTERVAL_SECONDS = 0.2
# It signs nothing but itself: who steals it can pretend to be this machine, and nothing else.
_REQUEST = """
[req]
prompt = no
distinguished_name = name
x509_extensions = extensions
[name]
CN = SoniqueBay
[extensions]
subjectKeyIdentifier = hash
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = {names}
"""


class CertificateError(Exception):
    """A certificate cannot be used or made. The text names the file and says what to do."""


@dataclass(frozen=True, slots=True)
class Validity:
    """From when to when a certificate is valid (Unix seconds)."""

    begin: float
    end: float


def server_context(settings: Settings) -> ServerContext:
    """Return what a server needs for TLS with the certificate of the settings. Raises `CertificateError`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    load(context, settings)
    return context


def load(context: ServerContext, settings: Settings) -> None:
    """Take the certificate of the settings for the connections to come. Raises `CertificateError`."""
    certificate, key = files(settings)
    shown, shown_key = _shown(settings)
    for file, name, what in ((certificate, shown, "CERTIFICATE"), (key, shown_key, "PRIVATE KEY")):
        text = _read(file, name)
        if "ENCRYPTED" in text:
            raise CertificateError(f"the key in {name} is encrypted: write it without a password, as openssl pkey does")
        if f"{what}-----" not in text:
            raise CertificateError(f"{name} has no {what.lower()} in the form PEM: a line with BEGIN {what} is missing")
    try:
        context.load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        if "MISMATCH" in (error.reason or ""):
            raise CertificateError(
                f"the key in {shown_key} is not that of the certificate in {shown}: the server's own certificate has "
                "to come first, before those that connect it to a root"
            ) from error
        raise CertificateError(
            f"{shown} and {shown_key} cannot be used ({error.reason or error}): check them with openssl x509 -in "
            f"{shown} -noout -text"
        ) from error


def files(settings: Settings) -> tuple[Path, Path]:
    """Return the files of certificate and key that this program reads.

    On the appliance systemd hands both to the program, so that only root has to be able to read the owner's files.
    """
    handed = Path(os.environ.get("CREDENTIALS_DIRECTORY") or "/nonexistent")
    certificate, key = _shown(settings)
    if (handed / "certificate").exists():
        certificate = handed / "certificate"
        key = handed / "key" if (handed / "key").exists() else certificate
    return certificate, key


def wait_until_made(settings: Settings) -> None:
    """Wait a while until the API has made the certificate, if it is one that the API makes."""
    deadline = time.monotonic() + WAIT_SECONDS
    while settings.tls == "self-signed" and not files(settings)[0].exists() and time.monotonic() < deadline:
        time.sleep(WAIT_INTERVAL_SECONDS)


def make_if_due(settings: Settings) -> bool:
    """Make the machine's own certificate when there is none, or its end is near, or it lacks a name of the machine.

    Returns whether it was made. Raises `CertificateError`.
    """
    names = own_names(settings)
    if settings.self_signed.exists() and _is_good(settings.self_signed, names):
        return False
    request = _REQUEST.format(names=", ".join(f"DNS:{name}" for name in sorted(names)))
    command = [
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", str(LIFETIME_DAYS),
        "-config", "/dev/stdin", "-keyout", "/dev/stdout", "-out", "/dev/stdout",
    ]  # fmt: skip
    made = _openssl(command, request)
    if made.returncode != 0:
        raise CertificateError(f"openssl has made no certificate: {made.stderr.strip()[-300:]}")
    try:
        replace_file(settings.self_signed, made.stdout.encode())
    except OSError as error:
        raise CertificateError(f"{settings.self_signed} cannot be written: {error.strerror}") from error
    log.info("a certificate was made in %s, for %s; %s", settings.self_signed, ", ".join(sorted(names)), _end(settings))
    return True


def validity(settings: Settings) -> Validity:
    """Return the validity of the certificate of the settings. Raises `CertificateError`."""
    certificate, _ = files(settings)
    shown = _openssl(["x509", "-in", str(certificate), "-noout", "-dates"])
    dates = dict(line.split("=", 1) for line in shown.stdout.splitlines() if "=" in line)
    try:
        return Validity(*(ssl.cert_time_to_seconds(dates[name]) for name in ("notBefore", "notAfter")))
    except (KeyError, ValueError) as error:
        raise CertificateError(f"openssl does not tell the dates of {_shown(settings)[0]}") from error


def end_warning(settings: Settings, validity: Validity, now: float) -> str | None:
    """Return what to say of the end of the owner's certificate at a time (Unix seconds); None while it is far."""
    if validity.end - now > min(WARNING_SECONDS, _WARNING_SHARE * (validity.end - validity.begin)):
        return None
    name = _shown(settings)[0]
    date = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(validity.end))
    renew = "renew it, and restart soniquebay-api and soniquebay-flower"
    if now < validity.end:
        return f"the certificate in {name} ends on {date}: {renew}"
    return f"the certificate in {name} has ended on {date}, so browsers and apps refuse this machine: {renew}"


def own_names(settings: Settings) -> Set[str]:
    """Return the names by which browsers open this machine."""
    host = socket.gethostname().lower()
    names = {"localhost", host, host if host.endswith(".local") else f"{host}.local", *settings.hosts}
    return {name for name in names if is_host_name(name)}


def _shown(settings: Settings) -> tuple[Path, Path]:
    if settings.tls_certificate is None or settings.tls_key is None or settings.tls != "own":
        return settings.self_signed, settings.self_signed
    return settings.tls_certificate, settings.tls_key


def _read(file: Path, name: Path) -> str:
    try:
        text = file.read_text("ascii", "replace")
    except OSError as error:
        raise CertificateError(
            f"{name} cannot be read ({error.strerror}): it must be a file that this program may read"
        ) from error
    if not text.strip():  # what systemd hands over when it finds no file
        raise CertificateError(f"{name} is empty, or there is no such file")
    return text


def _is_good(file: Path, names: Set[str]) -> bool:
    """Tell whether a certificate has its key and these names, and does not end soon."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(file)
    except (ssl.SSLError, OSError):
        return False
    command = ["x509", "-in", str(file), "-noout", "-checkend", str(RENEWAL_SECONDS), "-ext", "subjectAltName"]
    shown = _openssl([*command, "-startdate"])
    begin = re.search(r"notBefore=(.+)", shown.stdout)
    if begin is None or ssl.cert_time_to_seconds(begin[1].strip()) > time.time() + CLOCK_TOLERANCE_SECONDS:
        return False  # made while the clock was ahead
    return shown.returncode == 0 and set(re.findall(r"DNS:([^,\s]+)", shown.stdout)) >= names


def _end(settings: Settings) -> str:
    """Return fingerprint and end of the machine's certificate in words, which one compares with the browser's."""
    shown = _openssl(["x509", "-in", str(settings.self_signed), "-noout", "-fingerprint", "-sha256", "-enddate"])
    return ", ".join(shown.stdout.split("\n")).strip(", ")


def _openssl(arguments: list[str], text: str = "") -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["openssl", *arguments],
            input=text, capture_output=True, text=True, check=False, timeout=MAKING_TIMEOUT_SECONDS,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise CertificateError(
            "openssl is not installed, which makes certificates and reads their dates: sudo apt install openssl; "
            "without it only a certificate of your own can be used (SONIQUEBAY_TLS=own)"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise CertificateError(f"openssl has not answered within {MAKING_TIMEOUT_SECONDS:.0f} s") from error
