"""Log records reach the journal with their fields, a terminal as text, and a collector as JSON."""

import json
import logging
import os
import socket
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from celery import Celery
from logging_journald import JournaldTransport

from soniquebay import logs


def record(message: str = "hello %s", *args: object, level: int = logging.INFO, **fields: Any) -> logging.LogRecord:
    made = logging.LogRecord("soniquebay.x", level, __file__, 1, message, args or ("you",), None)
    made.__dict__.update(fields)
    return made


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "journal"))
        monkeypatch.setattr(JournaldTransport, "SOCKET_PATH", tmp_path / "journal")
        yield listener


def test_the_journal_gets_message_priority_and_fields(journal: socket.socket) -> None:
    handler = logs.JournalHandler("soniquebay-worker")
    handler.handle(record(level=logging.WARNING, task="vector.calculate", track_id=17, queue="vector"))
    fields = dict(line.split("=", 1) for line in journal.recv(4096).decode().splitlines())
    assert fields == {
        "MESSAGE": "hello you", "PRIORITY": "4", "SYSLOG_IDENTIFIER": "soniquebay-worker", "LOGGER": "soniquebay.x",
        "SONIQUEBAY_TASK": "vector.calculate", "SONIQUEBAY_TRACK_ID": "17", "SONIQUEBAY_QUEUE": "vector",
    }  # fmt: skip


def test_the_journal_gets_several_lines_and_names_that_are_not_utf8(journal: socket.socket) -> None:
    logs.JournalHandler("x").handle(record("a\nb %s", "caf\udce9"))
    message = b"a\nb caf\\udce9"
    assert b"MESSAGE\n" + len(message).to_bytes(8, "little") + message in journal.recv(4096)


def test_a_line_of_json_has_the_fields_and_the_traceback() -> None:
    try:
        raise ValueError("odd")
    except ValueError as error:
        failed = record(session_id=3, exc_info=(ValueError, error, error.__traceback__))
    told = json.loads(logs.JsonFormatter("soniquebay-api").format(failed))
    assert (told["program"], told["level"], told["message"], told["session_id"]) == (
        "soniquebay-api", "info", "hello you", 3
    )  # fmt: skip
    assert told["traceback"].endswith("ValueError: odd")
    assert "\n" not in logs.JsonFormatter("x").format(failed)


def test_a_line_of_text_ends_with_the_fields_it_has_and_without_brackets_for_none() -> None:
    assert logs.TextFormatter().format(record()).endswith("INFO soniquebay.x hello you")
    assert (
        logs.TextFormatter()
        .format(record(task="scan.discovery", session_id=3))
        .endswith("hello you [task=scan.discovery session_id=3]")
    )
    assert logs.TextFormatter(in_journal=True).format(record(level=logging.ERROR)).startswith("<3>ERROR soniquebay.x")


def test_a_record_made_in_a_task_has_the_fields_of_the_task() -> None:
    app, seen = Celery("logs", broker="memory://", set_as_current=False), []

    @app.task(name="test.fields", bind=True)  # type: ignore[untyped-decorator]
    def task(self: Any, **_: int) -> None:
        made = record()
        logs.add_task_fields(made)
        seen.append(logs.fields_of(made))

    task.apply(kwargs={"session_id": 5, "track_id": 7}, task_id="abc")
    assert seen == [{"task": "test.fields", "task_id": "abc", "session_id": 5, "track_id": 7}]
    outside = record()
    assert logs.add_task_fields(outside)
    assert logs.fields_of(outside) == {}


def test_celerys_own_line_about_a_task_has_its_name_and_id() -> None:
    made = record(data={"name": "covers.extract", "id": "abc", "exc": "x"})
    logs.add_task_fields(made)
    assert logs.fields_of(made) == {"task": "covers.extract", "task_id": "abc"}


@pytest.mark.parametrize(("tasks", "level"), [(False, logging.WARNING), (True, logging.INFO)])
def test_received_and_succeeded_tasks_are_logged_only_on_request(
    tasks: bool, level: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)  # pytest's own handlers stay
    logs.configure("x", tasks=tasks)
    assert logging.getLogger("celery.app.trace").level == level
    assert logging.getLogger("celery.worker.strategy").level == level


def test_without_a_journal_to_reach_a_service_writes_text(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(logs, "_stderr_is_journal", lambda: True)
    monkeypatch.setattr(JournaldTransport, "SOCKET_PATH", tmp_path / "none")
    handler = logs._handler("x", "text")
    assert isinstance(handler.formatter, logs.TextFormatter)
    assert handler.format(record()).startswith("<6>INFO")


PROGRAM = "import logging; from soniquebay import logs; logs.configure('p'); logging.getLogger('x').warning('hello')"


def test_a_program_of_the_appliance_sends_the_plain_message_to_the_journal(
    journal: socket.socket, tmp_path: Path
) -> None:
    with (tmp_path / "stderr").open("wb") as stderr:
        status = os.fstat(stderr.fileno())
        run(tmp_path, stderr, JOURNAL_STREAM=f"{status.st_dev}:{status.st_ino}")
    assert "MESSAGE=hello\n" in journal.recv(4096).decode()
    assert (tmp_path / "stderr").read_bytes() == b""


def test_a_program_whose_standard_error_goes_elsewhere_writes_there(journal: socket.socket, tmp_path: Path) -> None:
    with (tmp_path / "stderr").open("wb") as stderr:
        run(tmp_path, stderr, JOURNAL_STREAM="1:2")  # as a terminal of a desktop session hands it down
    assert (tmp_path / "stderr").read_text().endswith("WARNING x hello\n")


def run(folder: Path, stderr: Any, **environment: str) -> None:
    """Run the program with a journal in `folder`."""
    point = f"import logging_journald; logging_journald.JournaldTransport.SOCKET_PATH = {str(folder / 'journal')!r}; "
    command = [sys.executable, "-c", point + PROGRAM]
    subprocess.run(command, stderr=stderr, env={**os.environ, **environment}, check=True)


@pytest.mark.parametrize("program", ["api.server", "worker.main", "online.fetcher", "flower"])
def test_every_program_sets_its_logs_up(program: str) -> None:
    module = import_module(f"soniquebay.{program}")
    assert "logs.configure(" in Path(module.__file__ or "").read_text()


def test_what_repeats_is_logged_once_a_minute_with_the_number_of_the_others() -> None:
    now = 0.0
    keeps = logs.RepeatFilter(lambda: now).filter
    assert [keeps(record("refused %s", n)) for n in range(500)] == [True] + [False] * 499
    assert keeps(record("another"))
    now = 61.0
    again = record("refused %s", "eve")
    assert (keeps(again), again.getMessage()) == (True, "refused eve (and 499 more like this before)")
    assert not keeps(record("refused %s", "eve"))
    # asyncio puts its objects into the further lines of a text.
    assert [keeps(record(f"Fatal error\nprotocol: <at 0x{n}>")) for n in range(3)] == [True, False, False]
