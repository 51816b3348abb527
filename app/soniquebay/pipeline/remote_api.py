"""A remote worker's client of the appliance, through the worker proxy: the files of its tracks, and their vectors."""

import io
import logging
import time
from collections import OrderedDict
from pathlib import Path
from typing import Any

import httpx

from soniquebay.authority import WORKER_PROXY_NAME, client_context
from soniquebay.worker.remote import Credentials

log = logging.getLogger(__name__)

REQUEST_TIMEOUT_SECONDS = 30.0
MAX_WAIT_SECONDS = 120.0  # for a network or an appliance that comes back; after it the lease gives the track to others
MAX_DELAY_SECONDS = 10.0
# FFmpeg reads 32 KiB at a time. A larger block costs bytes after each seek, a smaller one round trips.
BLOCK_BYTES = 256 << 10
MAX_BLOCKS = 32  # of one file in memory


class UnavailableApplianceError(Exception):
    """The appliance does not answer, or cannot read the file now."""


class NotOursError(Exception):
    """The appliance refuses a request: the track is for somebody else now, or this worker was revoked."""


class Appliance:
    """The appliance that a worker has joined."""

    def __init__(self, credentials: Credentials, folder: Path) -> None:
        host = f"[{credentials.host}]" if ":" in credentials.host else credentials.host
        self._client = httpx.Client(
            base_url=f"https://{host}:{credentials.port}",
            verify=client_context(folder),
            headers={"Authorization": f"Bearer {credentials.token}"},
            timeout=REQUEST_TIMEOUT_SECONDS,
            trust_env=False,  # no proxy stands between machines of one network
        )

    def request(
        self, method: str, path: str, max_wait_seconds: float = MAX_WAIT_SECONDS, **arguments: Any
    ) -> httpx.Response:
        """Send a request, again and again while the appliance does not answer.

        Raises `UnavailableApplianceError` after `max_wait_seconds`, and `NotOursError` at once.
        """
        deadline, delay = time.monotonic() + max_wait_seconds, 0.5
        while True:
            try:
                response = self._client.request(
                    method, path, extensions={"sni_hostname": WORKER_PROXY_NAME}, **arguments
                )  # fmt: skip
            except httpx.TransportError as error:
                problem = f"{type(error).__name__}: {error}"
            else:
                if response.status_code < 400:
                    return response
                problem = f"{response.status_code} {_detail(response)}"
                if response.status_code < 500:
                    raise NotOursError(problem)
            if time.monotonic() + delay > deadline:
                raise UnavailableApplianceError(f"{method} {path}: {problem}")
            log.info("waiting for the appliance (%s)", problem)
            time.sleep(delay)
            delay = min(2 * delay, MAX_DELAY_SECONDS)


class RemoteFile(io.RawIOBase):
    """The file of a track, read by ranges. What was read is kept, as far as it is likely to be read again."""

    def __init__(self, appliance: Appliance, track_id: int, suffix: str) -> None:
        """`suffix` of the file's name tells FFmpeg the format where its bytes do not. Raises as `Appliance.request`."""
        self.name = f"{track_id}.{suffix}" if suffix else f"{track_id}"
        self.bytes_read = 0
        self._appliance = appliance
        self._path = f"/worker/tracks/{track_id}/file"
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._position = 0
        self._etag: str | None = None
        self._size = 0
        self._fetch(0)

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it has positions."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Set the position."""
        begin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, begin + offset)
        return self._position

    def read(self, size: int = -1) -> bytes:
        """Return bytes from the position on; fewer, and at the end none, as a file does."""
        end = self._size if size < 0 else min(self._position + size, self._size)
        parts = []
        while self._position < end:
            number, offset = divmod(self._position, BLOCK_BYTES)
            part = self._block(number)[offset : offset + end - self._position]
            if not part:
                break
            parts.append(part)
            self._position += len(part)
        return b"".join(parts)

    def _block(self, number: int) -> bytes:
        if number not in self._blocks:
            self._fetch(number)
        self._blocks.move_to_end(number)
        return self._blocks[number]

    def _fetch(self, number: int) -> None:
        begin = number * BLOCK_BYTES
        headers = {"Range": f"bytes={begin}-{begin + BLOCK_BYTES - 1}"}
        response = self._appliance.request("GET", self._path, headers=headers)
        etag = response.headers.get("etag")
        if self._etag not in {None, etag}:
            raise UnavailableApplianceError("the file has changed while it was read")
        self._etag = etag
        if response.status_code == 206:
            self._size = int(response.headers["content-range"].rpartition("/")[2])
        else:  # an empty file has no range
            self._size = len(response.content)
        self.bytes_read += len(response.content)
        self._blocks[number] = response.content
        while len(self._blocks) > MAX_BLOCKS:
            self._blocks.popitem(last=False)


def _detail(response: httpx.Response) -> str:
    try:
        return str(response.json()["detail"])[:300]
    except (ValueError, KeyError, TypeError):
        return response.text[:300]
