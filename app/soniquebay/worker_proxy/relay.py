"""The relay: one TLS connection of a remote worker on one side, one connection to Redis on the other."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from soniquebay.worker_proxy.commands import REDIS_USER, Command, RefusedError, Rules, read_command

PassOn = Callable[[Command], Awaitable[None]]

log = logging.getLogger(__name__)

IDLE_SECONDS = 180.0  # a worker asks each second; a laptop that sleeps says nothing, and TCP hears nothing of it
MAX_FORWARD_SECONDS = 3600.0  # of a connection of HTTP; the worker then opens another one
ANSWER_BYTES_A_MINUTE = 4 << 20  # of answers to remote control, which wait in Redis until somebody reads them
EVENT_BYTES_A_MINUTE = 16 << 20  # with 64 processes there are 7 MB of them
REPLY_LIFETIME_MS = 60_000
_PIECE_BYTES = 64 << 10
_LOGIN = f"*3\r\n$4\r\nAUTH\r\n${len(REDIS_USER)}\r\n{REDIS_USER}\r\n$1\r\n-\r\n".encode()


class BrokerError(Exception):
    """Redis is not reached, or does not know the user of remote workers."""


class Budget:
    """How much one worker may still send: a token bucket of bytes."""

    def __init__(self, bytes_a_minute: int) -> None:
        self._bytes_a_minute = self._free = float(bytes_a_minute)
        self._at = time.monotonic()

    def take(self, size: int) -> bool:
        """Count so many bytes; False when they are too many."""
        now = time.monotonic()
        self._free = min(self._bytes_a_minute, self._free + (now - self._at) * self._bytes_a_minute / 60)
        self._at = now
        if size > self._free:
            return False
        self._free -= size
        return True


class Budgets:
    """What one worker may still send, by all of its connections."""

    def __init__(self) -> None:
        self._budgets = {"LPUSH": Budget(ANSWER_BYTES_A_MINUTE), "PUBLISH": Budget(EVENT_BYTES_A_MINUTE)}

    def spend(self, command: Command) -> None:
        """Count a command. Raises `RefusedError` when it is more than the worker may send in a minute."""
        budget = self._budgets.get(command.name)
        if budget is not None and not budget.take(len(command.raw)):
            raise RefusedError("more events or answers than it may send in a minute")


class Broker:
    """Opens connections to Redis as the user of remote workers."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Return a connection that can do no more than `REDIS_USER` may. Raises `BrokerError`."""
        try:
            reader, writer = await asyncio.open_unix_connection(str(self._socket))
            writer.write(_LOGIN)
            answer = await reader.readline()
        except OSError as error:
            raise BrokerError(f"Redis is unreachable: {error}") from error
        if answer != b"+OK\r\n":
            writer.close()
            raise BrokerError(f"Redis refuses the user {REDIS_USER}: {ascii(answer)[:80]}")
        return reader, writer

    async def push_reply(self, command: Command) -> bytes:
        """Have Redis take an answer to remote control, and forget it if nobody reads it; return what Redis answers.

        Raises `BrokerError`.
        """
        reader, writer = await self.connect()
        words = (b"PEXPIRE", command.words[1], str(REPLY_LIFETIME_MS).encode())
        expire = b"*3\r\n" + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)
        try:
            writer.write(command.raw + expire)
            answer = await reader.readline()
            await reader.readline()
        except OSError as error:
            raise BrokerError(f"Redis is unreachable: {error}") from error
        finally:
            writer.close()
        return answer


async def relay(
    worker: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, broker: Broker, budgets: Budgets
) -> None:
    """Pass on what a worker may send, and all that Redis answers, until one of them ends.

    A command waits until the one before it was answered and the worker has taken the answer: else Redis would keep in
    its memory what it cannot do yet, or what nobody reads. A command that is not allowed is answered with an error, and
    ends the connection. Raises `BrokerError`.
    """
    answered = asyncio.Event()
    answered.set()

    async def answer(command: Command) -> None:
        writer.write(await broker.push_reply(command))
        await writer.drain()
        answered.set()

    redis_reader, redis_writer = await broker.connect()
    answers = asyncio.create_task(_pass_on(redis_reader, writer, answered))

    async def pass_on(command: Command) -> None:
        budgets.spend(command)
        async with asyncio.timeout(IDLE_SECONDS):
            await answered.wait()
        answered.clear()
        if command.name == "LPUSH":
            await answer(command)
        else:
            redis_writer.write(command.raw)
            await redis_writer.drain()

    commands = asyncio.create_task(_pass_commands(Rules(worker), reader, pass_on))
    try:
        await asyncio.wait({answers, commands}, return_when=asyncio.FIRST_COMPLETED)
        if commands.done():
            await _end(worker, writer, commands.exception())
    finally:
        answers.cancel()
        commands.cancel()
        redis_writer.close()
        await asyncio.gather(answers, commands, return_exceptions=True)


async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, api: Path) -> None:
    """Forward a connection to the application for workers, which asks for the worker's token, until one of them ends.

    Raises `BrokerError` when it is not reached.
    """
    try:
        api_reader, api_writer = await asyncio.open_unix_connection(str(api))
    except OSError as error:
        raise BrokerError(f"the API is unreachable: {error}") from error
    ways = {asyncio.create_task(_pass_on(reader, api_writer)), asyncio.create_task(_pass_on(api_reader, writer))}
    try:
        await asyncio.wait(ways, timeout=MAX_FORWARD_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        api_writer.close()
        await asyncio.gather(*ways, return_exceptions=True)


async def _end(worker: str, writer: asyncio.StreamWriter, error: BaseException | None) -> None:
    """Tell a worker that has sent what it may not; raise what is neither that nor a lost connection."""
    if isinstance(error, RefusedError):
        log.warning("remote worker %s: refused %s", worker, error)
        writer.write(b"-NOPERM a remote worker may not do this\r\n")
        with contextlib.suppress(OSError, TimeoutError):
            await asyncio.wait_for(writer.drain(), 1.0)
    elif error is not None and not isinstance(error, OSError | EOFError):  # a TimeoutError is an OSError
        raise error


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, passed: asyncio.Event | None = None
) -> None:
    while piece := await reader.read(_PIECE_BYTES):
        writer.write(piece)
        await writer.drain()
        if passed is not None:
            passed.set()


async def _pass_commands(rules: Rules, incoming: asyncio.StreamReader, pass_on: PassOn) -> None:
    subscribed = False
    while True:
        # Who has subscribed only listens: its client asks for a sign of life only while it hears nothing.
        async with asyncio.timeout(None if subscribed else IDLE_SECONDS):
            command = await read_command(incoming)
        rules.check(command)
        if command.name in {"PSUBSCRIBE", "PUNSUBSCRIBE"}:
            subscribed = command.name == "PSUBSCRIBE"
        await pass_on(command)
