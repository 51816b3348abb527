"""What a remote worker may ask of Redis: six commands, on its own queue, for events, and for remote control.

Redis itself cannot tell a remote client from a local one: every connection may become the default user by ``AUTH`` or
``RESET``, whatever its access control list says. So the worker proxy reads each command, and passes on those that are
listed here. The user `REDIS_USER` of Redis is a second limit: it can do no more than all remote workers together.
"""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass

from soniquebay.allowed_workers import QUEUE_PREFIX, node_of, queue_of
from soniquebay.settings import REDIS_KEY_PREFIX
from soniquebay.worker_proxy.messages import are_own_events, is_own_answer

# kombu's names, behind the prefix of every key: queues, the channels of events and remote control, queues of replies.
EVENT_CHANNELS = f"{REDIS_KEY_PREFIX}/0.celeryev/"
CONTROL_CHANNEL = f"{REDIS_KEY_PREFIX}/0.celery.pidbox"
REPLY_SUFFIX = ".reply.celery.pidbox"
_PRIORITY_SEPARATOR = "\x06\x16"

REDIS_USER = "remote"
# As `roles/redis` has it. Without a password: who reaches the socket of Redis is the default user anyway.
REDIS_RULES = (
    f"user {REDIS_USER} on nopass sanitize-payload resetkeys resetchannels -@all +ping"
    f" (+brpop ~{REDIS_KEY_PREFIX}{QUEUE_PREFIX}*)"
    f" (+lpush +pexpire ~{REDIS_KEY_PREFIX}*{REPLY_SUFFIX})"
    f" (+publish &{EVENT_CHANNELS}*)"
    f" (+psubscribe +punsubscribe &{CONTROL_CHANNEL})"
)

MAX_WORDS = 8
MAX_WORD_BYTES = 256 * 1024  # the longest are answers to `inspect`
MAX_COMMAND_BYTES = MAX_WORD_BYTES + 8 * 1024  # one of its words is long at most
_MAX_LINE_BYTES = 32  # of a number with its mark
_BLOCKING_SECONDS = frozenset(map(str, range(1, 61)))
MAX_SHOWN_CHARACTERS = 80  # of a refused command, in the log
_REPLY_KEY = re.compile(rf"{re.escape(REDIS_KEY_PREFIX)}[0-9a-f-]{{36}}{re.escape(REPLY_SUFFIX)}")
_EVENT_CHANNEL = re.compile(rf"{re.escape(EVENT_CHANNELS)}(worker|task)\.[a-z-]{{1,32}}")


class RefusedError(Exception):
    """A command is not one that a remote worker may send. The text says which."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command as it came, and its words."""

    raw: bytes
    words: tuple[bytes, ...]

    @property
    def name(self) -> str:
        """Its name in capitals."""
        return self.words[0].decode("ascii", "replace").upper()


async def read_command(reader: asyncio.StreamReader) -> Command:
    """Read one command in the form that Redis' clients send (an array of bulk strings).

    Raises `RefusedError` for another form and for what is too long, and ``asyncio.IncompleteReadError`` at the end.
    """
    raw = bytearray()
    count = await _number(reader, b"*", raw)
    if not 1 <= count <= MAX_WORDS:
        raise RefusedError(f"a command of {count} words")
    words = []
    for _ in range(count):
        length = await _number(reader, b"$", raw)
        if not 0 <= length <= MAX_WORD_BYTES:
            raise RefusedError(f"a word of {length} bytes")
        if len(raw) + length > MAX_COMMAND_BYTES:
            raise RefusedError(f"a command of more than {MAX_COMMAND_BYTES} bytes")
        word = await reader.readexactly(length + 2)
        if word[-2:] != b"\r\n":
            raise RefusedError("a word without an end")
        raw += word
        words.append(word[:-2])
    return Command(bytes(raw), tuple(words))


async def _number(reader: asyncio.StreamReader, mark: bytes, raw: bytearray) -> int:
    try:
        line = await reader.readuntil(b"\r\n")
    except asyncio.LimitOverrunError as error:
        raise RefusedError("a line without an end") from error
    digits = line[1:-2]
    if line[:1] != mark or len(line) > _MAX_LINE_BYTES or not digits.isdigit():
        raise RefusedError("bytes that are no command")
    raw += line
    return int(digits)


class Rules:
    """What one remote worker may send."""

    def __init__(self, worker: str) -> None:
        """`worker`: its name."""
        self._queue = f"{REDIS_KEY_PREFIX}{queue_of(worker)}"
        self._node = node_of(worker)
        self._allows: dict[str, Callable[[list[str]], bool]] = {
            "PING": lambda words: len(words) <= 1,
            "BRPOP": self._is_own_queue,
            "LPUSH": self._is_own_answer,
            "PUBLISH": self._is_own_event,
            "PSUBSCRIBE": lambda words: words == [CONTROL_CHANNEL],
            "PUNSUBSCRIBE": lambda words: words == [CONTROL_CHANNEL],
        }

    def check(self, command: Command) -> None:
        """Raise `RefusedError` unless the worker may send a command."""
        try:
            words = [word.decode() for word in command.words[1:]]
        except UnicodeDecodeError as error:
            raise RefusedError(f"{command.name} with words that are no text") from error
        allows = self._allows.get(command.name)
        if allows is None or not allows(words):
            raise RefusedError(ascii(" ".join([command.name, *words[:1]]))[:MAX_SHOWN_CHARACTERS])

    def _is_own_queue(self, words: list[str]) -> bool:
        *keys, seconds = words or [""]
        return (
            bool(keys)
            and all(key.split(_PRIORITY_SEPARATOR, 1)[0] == self._queue for key in keys)
            and seconds in _BLOCKING_SECONDS
        )

    # Nobody is to speak for another.

    def _is_own_answer(self, words: list[str]) -> bool:
        return len(words) == 2 and _REPLY_KEY.fullmatch(words[0]) is not None and is_own_answer(words[1], self._node)

    def _is_own_event(self, words: list[str]) -> bool:
        return (
            len(words) == 2 and _EVENT_CHANNEL.fullmatch(words[0]) is not None and are_own_events(words[1], self._node)
        )
