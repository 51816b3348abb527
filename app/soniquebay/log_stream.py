"""What the programs have logged lately, for the page: two capped Redis streams, which programs write and the API reads.

Warnings and errors have a stream of their own: the lines of an ordinary scan must not push them out.
"""

import logging
import os
import threading
import time
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Literal, NamedTuple, cast, get_args

import redis

from soniquebay import logs
from soniquebay.settings import REDIS_KEY_PREFIX

Level = Literal["info", "warning", "error"]
Program = Literal["api", "worker", "flower"]
WARNING_STREAM, INFO_STREAM = REDIS_KEY_PREFIX + "log:warnings", REDIS_KEY_PREFIX + "log:info"
MAX_STREAM_LINES = 500  # of each of the two
MAX_MESSAGE_BYTES = 1000
MAX_UNSENT_LINES = 100  # while Redis does not answer, or more is logged than is sent
MAX_LINES_PER_SEND = 20
SEND_INTERVAL_SECONDS = 1.0  # so a program writes 20 lines a second at most, whatever it logs
TIMEOUT_SECONDS = 1.0
FLUSH_SECONDS = 1.0  # that a process waits at its end for its last lines
# Flower: that a worker did not answer at once, which a busy one does not; and refused requests, as strangers send them.
_NOT_SHOWN = ("flower.inspector", "tornado.access")
_PACKAGE = __name__.partition(".")[0] + "."
_LEVELS = {logging.ERROR: "error", logging.WARNING: "warning", 0: "info"}


class Line(NamedTuple):
    """One line, logged at a Unix time."""

    at: float
    program: Program
    level: Level
    logger: str
    message: str
    task: str = ""
    session_id: int | None = None
    track_id: int | None = None


def attach(program: Program, url: str) -> None:
    """Have this process also send what it logs to the streams, after `logs.configure`. `url`: of Redis."""
    logging.getLogger().addHandler(StreamHandler(program, url))


class StreamHandler(logging.Handler):
    """Hands warnings and errors, and what the appliance's own code tells, to a thread that sends them to Redis.

    Whoever logs never waits for Redis. What Redis does not take is sent later; what is too much is counted, and told.
    """

    def __init__(self, program: Program, url: str) -> None:
        """`url`: of Redis."""
        super().__init__(logging.INFO)
        self._program: Program = program
        self._url = url
        self.addFilter(self._is_kept)
        self.addFilter(logs.add_task_fields)
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        # Its `put` may interrupt itself, as when a signal's handler logs; that of a Queue, or an Event, would lock up.
        self._unsent: SimpleQueue[Line | threading.Event] = SimpleQueue()
        self._is_ending = threading.Event()
        self._sender: threading.Thread | None = None
        self._dropped = self._told_dropped = 0  # the first is changed where lines are logged, the other by the sender

    def _is_kept(self, record: logging.LogRecord) -> bool:
        # What the Redis client logs while the sender waits for it would only add to what waits.
        is_about_sending = self._sender is not None and record.thread == self._sender.ident
        if is_about_sending or record.name in _NOT_SHOWN:
            return False
        return record.levelno >= logging.WARNING or record.name.startswith(_PACKAGE)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record until the thread sends it."""
        try:
            if os.getpid() != self._pid:  # a forked process: its parent sends what the queue holds
                self._begin()
            if self._unsent.qsize() >= MAX_UNSENT_LINES:
                self._dropped += 1
            else:
                self._unsent.put(line_of(record, self._program))
            if self._sender is None or not self._sender.is_alive():
                self._sender = threading.Thread(target=self._send_forever, name="log-stream", daemon=True)
                with suppress(RuntimeError):  # the interpreter is ending
                    self._sender.start()
        except Exception:
            self.handleError(record)

    def flush(self) -> None:
        """Wait until the lines are sent, up to `FLUSH_SECONDS`. `logging` calls it at the end of a process."""
        if self._pid != os.getpid() or self._sender is None or not self._sender.is_alive():
            return
        sent = threading.Event()
        self._is_ending.set()
        self._unsent.put(sent)
        sent.wait(FLUSH_SECONDS)
        self._is_ending.clear()

    def _send_forever(self) -> None:
        client = _client(self._url)
        while True:
            items = [self._unsent.get()]  # without a line the thread does not wake up
            self._is_ending.wait(SEND_INTERVAL_SECONDS)  # one write for those that follow
            while len(items) < MAX_LINES_PER_SEND and not self._unsent.empty():
                items.append(self._unsent.get())
            lines = [item for item in items if isinstance(item, Line)]
            while lines and not self._send(client, lines):
                time.sleep(SEND_INTERVAL_SECONDS)
            for item in items:
                if isinstance(item, threading.Event):
                    item.set()

    def _send(self, client: "redis.Redis", lines: list[Line]) -> bool:
        dropped = self._dropped
        if more := dropped - self._told_dropped:
            text = f"{more} further lines are not shown: too much was logged at once, or Redis did not answer"
            lines = [*lines, Line(lines[-1].at, self._program, "warning", __name__, text)]
        try:
            with client.pipeline() as pipeline:
                for line in lines:
                    fields: dict[Any, Any] = {name: "" if v is None else v for name, v in line._asdict().items()}
                    pipeline.xadd(_stream_of(line.level), fields, maxlen=MAX_STREAM_LINES, approximate=True)
                pipeline.execute()
        except redis.RedisError:
            return False
        self._told_dropped = dropped
        return True


def line_of(record: logging.LogRecord, program: Program) -> Line:
    """Return the line of a record, without its traceback, which the journal has."""
    level = next(name for number, name in _LEVELS.items() if record.levelno >= number)
    message = record.getMessage().strip()
    if record.exc_info and (error := record.exc_info[1]) is not None:
        message = f"{message} ({type(error).__name__}: {error})"
    fields = logs.fields_of(record)
    session_id, track_id = (fields.get(name) for name in ("session_id", "track_id"))
    return Line(
        record.created, program, cast("Level", level), record.name, _cut(message), fields.get("task", ""),
        session_id, track_id,
    )  # fmt: skip


def _cut(text: str) -> str:
    encoded = text.encode("utf-8", "backslashreplace")  # the name of a file may hold what is not UTF-8
    if len(encoded) <= MAX_MESSAGE_BYTES:
        return encoded.decode()
    return encoded[:MAX_MESSAGE_BYTES].decode("utf-8", "ignore") + "…"


def _stream_of(level: Level) -> str:
    return INFO_STREAM if level == "info" else WARNING_STREAM


def _client(url: str) -> "redis.Redis":
    return redis.Redis.from_url(url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS)


class LogReader:
    """Reads the streams. Each method raises ``redis.RedisError`` when Redis does not answer."""

    def __init__(self, url: str) -> None:
        """`url`: of Redis."""
        self._redis = _client(url)

    def lines_since(self, start: float, level: Level = "info") -> list[Line]:
        """Return what was logged since a Unix time, of this level or a higher one; the newest first."""
        levels = get_args(Level)[get_args(Level).index(level) :]
        found = []
        for stream in {_stream_of(one) for one in levels}:
            entries = self._redis.xrevrange(stream, "+", int(1000 * start), MAX_STREAM_LINES)
            for _, fields in cast("list[tuple[bytes, dict[bytes, bytes]]]", entries):
                line = _line(fields)
                if line and line.at >= start and line.level in levels:
                    found.append(line)
        return sorted(found, key=lambda line: line.at, reverse=True)

    def version(self) -> str:
        """Return a text that is another one after each line."""
        newest = [self._redis.xrevrange(stream, count=1) for stream in (WARNING_STREAM, INFO_STREAM)]
        return " ".join(entries[0][0].decode() if entries else "0" for entries in cast("list[Any]", newest))


def _line(fields: dict[bytes, bytes]) -> Line | None:
    """Return the line of an entry; None for one that another release has written in another form."""
    try:
        told = {name.decode(): value.decode() for name, value in fields.items()}
        program, level = told["program"], told["level"]
        if program not in get_args(Program) or level not in get_args(Level):
            return None
        session_id, track_id = (int(told[name]) if told[name] else None for name in ("session_id", "track_id"))
        return Line(
            float(told["at"]), cast("Program", program), cast("Level", level), told["logger"], told["message"],
            told["task"], session_id, track_id,
        )  # fmt: skip
    except (KeyError, ValueError):
        return None
