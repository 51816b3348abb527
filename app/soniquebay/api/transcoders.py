"""The child processes that transcode: how they are started, how many there may be, and how they end."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import soniquebay
from soniquebay.transcoding.errors import EXIT_UNDECODABLE, EXIT_UNREADABLE
from soniquebay.transcoding.formats import Job

MAX_TRANSCODERS = 8  # each has 15 MB of its own
SLOT_TIMEOUT_SECONDS = 1.0  # a listener who skips asks for the next track before the last one's process has ended
START_TIMEOUT_SECONDS = 30.0  # a disk that spins up takes ten
READ_TIMEOUT_SECONDS = 30.0  # for the next piece
CHUNK_BYTES = 64 << 10
_MAX_REASON_BYTES = 4096


class TooManyTranscodersError(Exception):
    """As many transcoders run as may."""


class TranscoderError(Exception):
    """A transcoder has ended before its stream was complete. The text is the reason that people see."""


class UndecodableError(TranscoderError):
    """The file holds no sound that can be decoded."""


class Transcoder:
    """A running child process, which is to be read to its end."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    async def read(self, timeout_seconds: float = READ_TIMEOUT_SECONDS) -> bytes:
        """Return the next piece of the stream; nothing at its end.

        Raises `TranscoderError` when the process has failed, or sends nothing for so long.
        """
        assert self._process.stdout is not None  # noqa: S101 - it was made with one
        try:
            async with asyncio.timeout(timeout_seconds):
                data = await self._process.stdout.read(CHUNK_BYTES)
                return data or await self._end()
        except TimeoutError as error:
            raise TranscoderError(f"nothing came for {timeout_seconds:.0f} s; its drive may not answer") from error

    async def _end(self) -> bytes:
        assert self._process.stderr is not None  # noqa: S101 - as above
        reason = (await self._process.stderr.read(_MAX_REASON_BYTES)).decode("utf-8", "replace").strip()
        code = await self._process.wait()
        if code == 0:
            return b""
        if code == EXIT_UNDECODABLE:
            raise UndecodableError(reason)
        if code == EXIT_UNREADABLE:
            raise TranscoderError(f"the file cannot be read: {reason}")
        last_line = reason.rpartition("\n")[2]
        raise TranscoderError(f"it was killed by signal {-code}" if code < 0 else f"it failed: {last_line}")


class Transcoders:
    """Starts transcoders, at most `MAX_TRANSCODERS` at the same time."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(MAX_TRANSCODERS)
        self._ending: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def slot(self) -> AsyncIterator["Slot"]:
        """Give the right to have one transcoder. Raises `TooManyTranscodersError`."""
        try:
            async with asyncio.timeout(SLOT_TIMEOUT_SECONDS):
                await self._slots.acquire()
        except TimeoutError as error:
            raise TooManyTranscodersError from error
        slot = Slot()
        try:
            yield slot
        finally:
            # The slot is free when the process is gone; that must not keep the caller, who may be cancelled.
            task = asyncio.get_running_loop().create_task(self._free(slot))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    async def _free(self, slot: "Slot") -> None:
        try:
            await slot.end()
        finally:
            self._slots.release()


class Slot:
    """The right to have one transcoder, and the transcoder."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, job: Job, descriptor: int) -> Transcoder:
        """Start a transcoder for the file that is open as `descriptor`, after the end of the one before.

        Raises ``OSError`` when it cannot be started.
        """
        await self.end()
        self._process = await asyncio.create_subprocess_exec(
            *COMMAND,
            job.to_json(),
            str(descriptor),
            str(os.getpid()),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            pass_fds=(descriptor,),
            env=environment(),
            limit=CHUNK_BYTES,
        )
        return Transcoder(self._process)

    async def end(self) -> None:
        """Kill the process, if there is one, and wait until it is gone."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.communicate()  # asyncio notices the end only once the pipe is read to its end
        self._process = None


# -S -P: modules are imported from the folders that this process has them from, and from nowhere else.
COMMAND = (sys.executable, "-S", "-P", "-m", "soniquebay.transcoding")


def environment() -> dict[str, str]:
    """Return the environment of a transcoder."""
    folders = [str(Path(soniquebay.__file__).parents[1]), *sys.path]
    return {
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(folder for folder in folders if folder)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "MALLOC_ARENA_MAX": "1",
        "LC_ALL": "C.UTF-8",
    }
