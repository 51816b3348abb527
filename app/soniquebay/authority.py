"""The machine's own authority for remote workers: it signs the certificates of the workers and of the worker proxy.

It is made at the first join and never before, and nobody else knows it: no browser, no other machine. All certificates
are valid whatever the clock says, because a Pi without a network starts in the past, and a laptop may be set wrongly.
What ends a certificate is the allow list.
"""

import re
import ssl
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from soniquebay.atomic_file import replace_file

AUTHORITY_FILE, AUTHORITY_KEY_FILE, WORKER_PROXY_FILE = "authority.pem", "authority-key.pem", "worker-proxy.pem"
WORKER_FILE, WORKER_KEY_FILE = "worker.pem", "worker-key.pem"  # beside the authority's, at the worker
HTTP_PROTOCOL = "http/1.1"
WORKER_PROXY_NAME = "soniquebay-worker-proxy"
MAX_REQUEST_BYTES = 4096  # of a certificate request in PEM
ProxyContext = ssl.SSLContext
OPENSSL_TIMEOUT_SECONDS = 60.0
_BEGIN, _END = "20000101000000Z", "20991231235959Z"
_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
_SETTINGS = """
[ca]
default_ca = authority
[authority]
database = {folder}/index
new_certs_dir = {folder}
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
copy_extensions = none
[any]
commonName = supplied
[req]
prompt = no
distinguished_name = name
[name]
CN = SoniqueBay
[root]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[proxy]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:{proxy}
[worker]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = clientAuth
"""


class AuthorityError(Exception):
    """A certificate cannot be made. The text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A certificate in PEM, and its serial number in lower-case hexadecimal digits without leading zeros."""

    certificate: str
    serial: str


class Authority:
    """The authority whose files are in a folder of the API.

    `handed_to`: the folder where the worker proxy looks for its certificates, if that is another one.
    """

    def __init__(self, folder: Path, handed_to: Path | None = None) -> None:
        self._folder = folder
        self._handed_to = handed_to

    def exists(self) -> bool:
        """Tell whether it was made."""
        return all((self._folder / name).exists() for name in (AUTHORITY_FILE, AUTHORITY_KEY_FILE, WORKER_PROXY_FILE))

    def hand_over(self) -> None:
        """Put what the worker proxy needs where it looks, readable for the group. Raises ``OSError``."""
        if self._handed_to is None or self._handed_to == self._folder:
            return
        self._handed_to.mkdir(parents=True, exist_ok=True)
        for name in (AUTHORITY_FILE, WORKER_PROXY_FILE):
            replace_file(self._handed_to / name, (self._folder / name).read_bytes(), 0o640)

    def ensure(self) -> str:
        """Make the authority and the worker proxy's certificate where they are missing; return the authority's in PEM.

        Raises `AuthorityError`.
        """
        certificate, key, proxy = (
            self._folder / name for name in (AUTHORITY_FILE, AUTHORITY_KEY_FILE, WORKER_PROXY_FILE)
        )
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not (certificate.exists() and key.exists()):
                made_key, made = self._make("root", "SoniqueBay workers", None)
                proxy.unlink(missing_ok=True)  # an earlier authority has signed it
                replace_file(key, made_key)
                replace_file(certificate, made.certificate.encode())
            if not proxy.exists():
                proxy_key, signed = self._make("proxy", WORKER_PROXY_NAME, certificate)
                replace_file(proxy, signed.certificate.encode() + proxy_key)
            return certificate.read_text("ascii")
        except OSError as error:
            raise AuthorityError(f"{self._folder} cannot be written: {error.strerror}") from error

    def sign(self, request: str, name: str) -> Signed:
        """Return the certificate of a worker for its request in PEM. Of the request only the key counts.

        Raises `AuthorityError`.
        """
        if len(request) > MAX_REQUEST_BYTES or not request.isascii():
            raise AuthorityError("that is no certificate request")
        with tempfile.TemporaryDirectory(dir=self._folder) as scratch:
            return self._sign(Path(scratch), request, "worker", name, issuer=self._folder / AUTHORITY_FILE)

    def _make(self, kind: Literal["root", "proxy"], name: str, issuer: Path | None) -> tuple[bytes, Signed]:
        with tempfile.TemporaryDirectory(dir=self._folder) as scratch:
            folder = Path(scratch)
            key = folder / "key"
            self._write_settings(folder)
            request = _openssl("req", "-new", *_NEW_KEY, "-config", f"{folder}/settings", "-keyout", str(key))
            return key.read_bytes(), self._sign(folder, request, kind, name, issuer=issuer, own_key=key)

    def _sign(
        self, folder: Path, request: str, kind: str, name: str, *, issuer: Path | None, own_key: Path | None = None
    ) -> Signed:
        self._write_settings(folder)
        (folder / "request").write_text(request, "ascii")
        signer = (
            ("-selfsign", "-keyfile", str(own_key))
            if issuer is None
            else ("-cert", str(issuer), "-keyfile", str(self._folder / AUTHORITY_KEY_FILE))
        )
        made = _openssl(
            "ca", "-batch", "-notext", "-config", f"{folder}/settings", "-extensions", kind, "-subj", f"/CN={name}",
            "-startdate", _BEGIN, "-enddate", _END, "-in", f"{folder}/request", *signer,
        )  # fmt: skip
        found = re.search(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n", made, re.DOTALL)
        serial = (folder / "index").read_text("ascii").split("\t")[3]
        if found is None:
            raise AuthorityError("openssl has made no certificate")
        return Signed(found[0], canonical_serial(serial))

    @staticmethod
    def _write_settings(folder: Path) -> None:
        (folder / "settings").write_text(_SETTINGS.format(folder=folder, proxy=WORKER_PROXY_NAME), "utf-8")
        (folder / "index").touch()


def canonical_serial(text: str) -> str:
    """Return a serial number as `Signed` has it, from hexadecimal digits. Raises ``ValueError``."""
    return f"{int(text, 16):x}"


def proxy_context(folder: Path) -> ssl.SSLContext:
    """Return what the worker proxy needs for TLS: both sides show a certificate. Raises ``OSError``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3  # both sides are of this project
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(folder / AUTHORITY_FILE)
    context.load_cert_chain(folder / WORKER_PROXY_FILE)
    # Clients of HTTP name their protocol; those of Redis name none.
    context.set_alpn_protocols([HTTP_PROTOCOL])
    return context


def client_context(folder: Path) -> ssl.SSLContext:
    """Return what a worker needs to reach `WORKER_PROXY_NAME`, and no other server. Raises ``OSError``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(folder / AUTHORITY_FILE)
    context.load_cert_chain(folder / WORKER_FILE, folder / WORKER_KEY_FILE)
    return context


def make_request(key_file: Path) -> str:
    """Make a worker's private key in a file, and return its certificate request in PEM. Raises `AuthorityError`."""
    request = _openssl("req", "-new", *_NEW_KEY, "-subj", "/CN=worker", "-keyout", str(key_file))
    key_file.chmod(0o600)
    return request


def _openssl(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["openssl", *arguments], capture_output=True, text=True, check=False, timeout=OPENSSL_TIMEOUT_SECONDS,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise AuthorityError(
            "openssl is not installed, which makes certificates; on Debian: sudo apt install openssl"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise AuthorityError(f"openssl has not answered within {OPENSSL_TIMEOUT_SECONDS:.0f} s") from error
    if done.returncode != 0:
        raise AuthorityError(f"openssl has made no certificate: {done.stderr.strip()[-300:]}")
    return done.stdout
