"""The upload of a release archive by a browser: in parts, one archive at a time, in the folder of the data.

Each part is a request of its own, so the limits of requests hold: 1 MiB, and 30 s for its body.
"""

import os
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from soniquebay import __version__
from soniquebay.atomic_file import replace_file
from soniquebay.procfs import MIB
from soniquebay.releases import offers, request, signatures
from soniquebay.releases.versions import archive_name, compare, version_of

ABANDONED_SECONDS = 120.0  # without a part, an upload is given up: the browser is gone
SPARE_BYTES = 64 * MIB  # that stay free
_COPIES = 2  # root makes another one before it trusts anything
_PARTIAL = "upload.partial"


class UploadError(Exception):
    """An upload is refused, with a status of HTTP and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass
class Upload:
    """An upload that has begun."""

    id: str
    name: str
    bytes: int
    """Of the whole archive."""
    signature: str
    received: int
    heard_at: float
    """Monotonic time of the last part."""


class ReleaseUpload:
    """Receives one archive at a time. Safe from any thread."""

    def __init__(self, data: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.folder = data / request.UPDATE_FOLDER
        self._clock = clock
        self._lock = threading.Lock()
        self._upload: Upload | None = None

    @property
    def state(self) -> Upload | None:
        """The upload that has begun and not come to its end."""
        return self._upload

    def begin(self, name: str, size: int, signature: str) -> Upload:
        """Begin an upload; what was uploaded before is removed. Raises `UploadError`, and ``OSError``."""
        if version_of(name) is None:
            raise UploadError(422, f"a release archive is named {archive_name('<version>')}: this file is not one")
        if size > offers.MAX_ARCHIVE_BYTES:
            raise UploadError(413, f"a release has at most {offers.MAX_ARCHIVE_BYTES // MIB} MB: this file is not one")
        with self._lock:
            self._give_up_abandoned()
            if self._upload is not None:
                raise UploadError(409, "a release is being uploaded already: wait for its end, or cancel it")
            self._remove_all()
            self.folder.mkdir(mode=0o750, exist_ok=True)
            space = os.statvfs(self.folder)
            needed, free = _COPIES * size + SPARE_BYTES, space.f_bavail * space.f_frsize
            if free < needed:
                raise UploadError(
                    507, f"the upload needs {needed // MIB} MB on the card, and {free // MIB} MB are free: make room"
                )
            (self.folder / _PARTIAL).touch(mode=0o640)
            self._upload = Upload(secrets.token_hex(8), name, size, signature, 0, self._clock())
            return self._upload

    def append(self, upload_id: str, offset: int, part: bytes) -> Upload | None:
        """Add the next part; None when it was the last one. Raises `UploadError`, and ``OSError``."""
        with self._lock:
            upload = self._checked(upload_id)
            if offset != upload.received:
                raise UploadError(
                    409, f"{upload.received} bytes have arrived, so the next part does not begin at {offset}"
                )
            if not part or offset + len(part) > upload.bytes:
                raise UploadError(422, f"the archive was to have {upload.bytes} bytes: this part does not fit")
            try:
                with (self.folder / _PARTIAL).open("ab") as file:
                    file.write(part)
                    upload.received += len(part)
                    upload.heard_at = self._clock()
                    if upload.received < upload.bytes:
                        return upload
                    file.flush()
                    os.fsync(file.fileno())
                self._finish(upload)
            except OSError:
                self._upload = None
                self._remove_all()
                raise
            return None

    def cancel(self, upload_id: str) -> None:
        """End an upload, and remove what has arrived. Raises `UploadError`."""
        with self._lock:
            self._checked(upload_id)
            self._upload = None
            self._remove_all()

    def tidy(self) -> None:
        """Remove an upload whose browser is gone, what an earlier process has left, and a release that is not newer."""
        with self._lock:
            self._give_up_abandoned()
            for path in self.folder.glob("*"):
                version = version_of(path.name.removesuffix(signatures.SUFFIX))
                is_old = version is not None and compare(version, __version__) <= 0
                if is_old or (path.name == _PARTIAL and self._upload is None):
                    path.unlink(missing_ok=True)

    def _checked(self, upload_id: str) -> Upload:
        if self._upload is None or self._upload.id != upload_id:
            raise UploadError(404, "this upload is not running any more: begin it again")
        return self._upload

    def _give_up_abandoned(self) -> None:
        if self._upload and self._clock() - self._upload.heard_at > ABANDONED_SECONDS:
            self._upload = None
            self._remove_all()

    def _finish(self, upload: Upload) -> None:
        # The signature first: an archive without one is told as unsigned.
        replace_file(self.folder / f"{upload.name}{signatures.SUFFIX}", upload.signature.encode(), 0o640)
        (self.folder / _PARTIAL).replace(self.folder / upload.name)
        self._upload = None

    def _remove_all(self) -> None:
        for path in self.folder.glob("*"):
            if path.name != request.REQUEST_FILE:
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
