"""The certificate of the running servers: taken at the start, renewed if it is the machine's own, and its end."""

import asyncio
import logging
import time

from soniquebay import certificates
from soniquebay.certificates import CertificateError
from soniquebay.settings import Settings

log = logging.getLogger(__name__)

RENEWAL_CHECK_INTERVAL_SECONDS = 6 * 3600.0  # of the certificate that this machine made; each starts openssl
WARNING_INTERVAL_SECONDS = 86400.0  # of the log


class ServedCertificate:
    """The certificate that the servers have, in the context for their connections."""

    def __init__(self, settings: Settings) -> None:
        """Take the certificate of the settings; make it if it is the machine's own. Raises `CertificateError`."""
        self._settings = settings
        self._is_own = settings.tls == "own"
        if not self._is_own:
            certificates.make_if_due(settings)
        self.context = certificates.server_context(settings)
        # That of the loaded file: one that replaces it is taken at a restart.
        self._validity = self._read_validity() if self._is_own else None

    @property
    def end(self) -> float | None:
        """When the owner's certificate ends (Unix seconds); None if it is the machine's own, which is renewed."""
        return None if self._validity is None else self._validity.end

    def warning(self, now: float) -> str | None:
        """Return what to say of the end of the owner's certificate at a time (Unix seconds); None while it is far."""
        return None if self._validity is None else certificates.end_warning(self._settings, self._validity, now)

    async def run(self) -> None:
        """Make the machine's own certificate anew before it ends; warn of the end of the owner's once a day."""
        while True:
            if self._is_own:
                if text := self.warning(time.time()):
                    log.warning("%s", text)
                await asyncio.sleep(WARNING_INTERVAL_SECONDS)
            else:
                await asyncio.sleep(RENEWAL_CHECK_INTERVAL_SECONDS)
                await self._renew()

    async def _renew(self) -> None:
        try:
            if await asyncio.to_thread(certificates.make_if_due, self._settings):
                certificates.load(self.context, self._settings)  # in the thread that uses it
        except CertificateError as error:
            log.warning("the certificate is not renewed: %s", error)

    def _read_validity(self) -> certificates.Validity | None:
        try:
            return certificates.validity(self._settings)
        except CertificateError as error:
            log.warning("nobody will be warned before the certificate ends: %s", error)
            return None
