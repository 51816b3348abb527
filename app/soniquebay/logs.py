"""Logs of all programs: fields for journald on the appliance, JSON lines on request, text on a terminal or in a file.

A record made in a task has the task's fields, whoever logs it; other code passes fields as `extra`. In the journal they
are ``SONIQUEBAY_TASK``, ``SONIQUEBAY_TASK_ID``, ``SONIQUEBAY_QUEUE``, ``SONIQUEBAY_SESSION_ID``,
``SONIQUEBAY_TRACK_ID`` and ``SONIQUEBAY_BATCH_ID``: ``journalctl SONIQUEBAY_TRACK_ID=17`` finds all lines on a track.
"""

import json
import logging
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal

FIELDS = ("task", "task_id", "queue", "session_id", "track_id", "batch_id")
# syslog(3)
_PRIORITIES = {logging.CRITICAL: 2, logging.ERROR: 3, logging.WARNING: 4, logging.INFO: 6, logging.DEBUG: 7}
# Celery logs one line when a task is received and one when it has succeeded: 200,000 for 100,000 tracks, on the card.
_TASK_LOGGERS = ("celery.worker.strategy", "celery.app.trace")
# Not one line for each request that a task sends to the API.
_QUIET_LOGGERS = ("httpx", "httpcore")
REPEAT_INTERVAL_SECONDS = 60.0
MAX_REPEATS_REMEMBERED = 1000


def configure(program: str, form: Literal["text", "json"] = "text", *, tasks: bool = False) -> None:
    """Set up the logging of this process.

    `program` is the identifier in the journal. `form` "json" writes a JSON object a line to standard error, "text" uses
    the journal's own protocol where systemd has connected standard error to it, and lines of text elsewhere. `tasks`
    also logs when a task was received and has succeeded.
    """
    handler = _handler(program, form)
    handler.addFilter(add_task_fields)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in _TASK_LOGGERS:
        logging.getLogger(name).setLevel(logging.INFO if tasks else logging.WARNING)
    for name in _QUIET_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)


def _handler(program: str, form: Literal["text", "json"]) -> logging.Handler:
    in_journal = _stderr_is_journal()
    if in_journal and form == "text":
        try:
            return JournalHandler(program)
        except OSError:  # the fetcher may use Internet sockets only
            pass
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(program) if form == "json" else TextFormatter(in_journal=in_journal))
    return handler


def _stderr_is_journal() -> bool:
    """Tell whether systemd has connected this process's standard error to the journal.

    The variable alone does not say so: a terminal of a desktop session hands it down as well (systemd.exec(5)).
    """
    try:
        stderr = os.fstat(2)
    except OSError:
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{stderr.st_dev}:{stderr.st_ino}"


def add_task_fields(record: logging.LogRecord) -> bool:
    """Give a record the fields of the Celery task that it is about; a filter that keeps every record."""
    # Celery's own lines about a task, most of them from the main process, carry its name and id.
    about = getattr(record, "data", None)
    if isinstance(about, dict):
        _set(record, task=about.get("name"), task_id=about.get("id"))
    # Only a process that has loaded Celery can be in a task.
    if "celery" in sys.modules:
        from celery import current_task

        if current_task and current_task.request.id:
            request = current_task.request
            queue = (request.delivery_info or {}).get("routing_key")
            arguments = {name: (request.kwargs or {}).get(name) for name in ("session_id", "track_id", "batch_id")}
            _set(record, task=current_task.name, task_id=request.id, queue=queue, **arguments)
    return True


def _set(record: logging.LogRecord, **fields: Any) -> None:
    for name, value in fields.items():
        if value is not None and getattr(record, name, None) is None:
            setattr(record, name, value)


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """Return those of `FIELDS` that a record has."""
    return {name: value for name in FIELDS if (value := getattr(record, name, None)) is not None}


def limit_repeats(*loggers: str) -> None:
    """Have each of these loggers log one line a minute of what repeats: what strangers cause must not fill the disk."""
    for name in loggers:
        logging.getLogger(name).addFilter(RepeatFilter())


class RepeatFilter(logging.Filter):
    """Keeps one record in `REPEAT_INTERVAL_SECONDS` of those with one text before its values are put in.

    The next record that is kept says how many were not.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._kept: dict[object, tuple[float, int]] = {}  # when the last one was kept, and how many followed it

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether to keep a record."""
        # asyncio writes its values into the text, but not into its first line.
        key = (str(record.msg).partition("\n")[0], record.exc_info[0] if record.exc_info else None)
        now = self._clock()
        kept_at, more = self._kept.get(key, (now - REPEAT_INTERVAL_SECONDS, 0))
        if now - kept_at < REPEAT_INTERVAL_SECONDS:
            self._kept[key] = (kept_at, more + 1)
            return False
        if more:
            record.msg, record.args = f"{record.getMessage()} (and {more} more like this before)", None
        if len(self._kept) >= MAX_REPEATS_REMEMBERED:
            self._kept.clear()
        self._kept[key] = (now, 0)
        return True


class TextFormatter(logging.Formatter):
    """A line for a person: time, level, logger, message, and the fields in brackets.

    The journal has a time of its own and takes the level from a number in front of each line (sd-daemon(3)).
    """

    def __init__(self, *, in_journal: bool = False) -> None:
        super().__init__("%(levelname)s %(name)s %(message)s" if in_journal else
                         "%(asctime)s %(levelname)s %(name)s %(message)s")  # fmt: skip
        self._in_journal = in_journal

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name of the overridden method
        """Return the line without a traceback."""
        fields = " ".join(f"{name}={value}" for name, value in fields_of(record).items())
        line = super().formatMessage(record) + (f" [{fields}]" if fields else "")
        return f"<{_priority(record)}>{line}" if self._in_journal else line


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (ISO 8601, UTC), level, program, pid, logger, message, the fields, a traceback."""

    def __init__(self, program: str) -> None:
        super().__init__()
        self._program = program

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as a line of JSON."""
        facts = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "program": self._program,
            "pid": record.process,
            "logger": record.name,
            "message": record.getMessage(),
            **fields_of(record),
        }
        if record.exc_info:
            facts["traceback"] = self.formatException(record.exc_info)
        return json.dumps(facts, default=str)  # ASCII: a message may hold what is not UTF-8


class JournalHandler(logging.Handler):
    """Sends records to journald by its native protocol, with the fields of `fields_of`."""

    def __init__(self, program: str) -> None:
        """Connect to the journal; raises ``OSError`` when this process cannot reach it."""
        super().__init__()
        from logging_journald import JournaldTransport

        self._transport = JournaldTransport()
        self._program = program
        # The level and the logger are fields of their own. Without a formatter logging.basicConfig would add them.
        self.setFormatter(logging.Formatter("%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record."""
        try:
            self._transport.send(self.entry(record).items())
        except Exception:
            self.handleError(record)

    def entry(self, record: logging.LogRecord) -> dict[str, Any]:
        """Return the journal's fields of a record; its traceback is part of the message."""
        message = self.format(record).encode("utf-8", "backslashreplace").decode("utf-8")
        own = {f"SONIQUEBAY_{name.upper()}": value for name, value in fields_of(record).items()}
        return {
            "MESSAGE": message,
            "PRIORITY": _priority(record),
            "SYSLOG_IDENTIFIER": self._program,
            "LOGGER": record.name,
            **own,
        }


def _priority(record: logging.LogRecord) -> int:
    return next((number for level, number in _PRIORITIES.items() if record.levelno >= level), 7)
