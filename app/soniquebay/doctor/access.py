"""How people reach the appliance: the certificate, and whether it has an owner."""

from collections.abc import Iterator

from soniquebay import certificates
from soniquebay.doctor.finding import Finding, needs_root, ok, wrong
from soniquebay.doctor.surroundings import Surroundings
from soniquebay.sentences import as_sentence


def certificate(around: Surroundings) -> Iterator[Finding]:
    """Check the certificate of the owner; the machine renews its own."""
    settings = around.settings
    if settings.tls != "own":
        yield ok("There is no certificate that somebody has to renew.")
        return
    try:
        certificates.server_context(settings)
        warning = certificates.end_warning(settings, certificates.validity(settings), around.clock())
    except certificates.CertificateError as error:
        if isinstance(error.__cause__, PermissionError):
            yield needs_root("The certificate may not be read by this user.")
        else:
            yield wrong(
                f"TLS does not work: {error}.", "Correct the files, and restart: sudo systemctl restart soniquebay-api"
            )
        return
    if warning:
        yield wrong(as_sentence(warning), "With certbot: sudo certbot renew")
    else:
        yield ok("The certificate is valid.")


def claim(around: Surroundings) -> Iterator[Finding]:
    """Check that the appliance has an owner."""
    notice = around.settings.claim_folder / "notice"
    if around.settings.login and notice.exists():
        yield wrong(
            "The appliance has no owner yet, so nobody can sign in.",
            "sudo soniquebay claim-code prints the code; open /claim on the appliance's page and enter it.",
        )
    else:
        yield ok("The appliance has an owner, or asks for no login.")
