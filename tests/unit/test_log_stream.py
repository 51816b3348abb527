"""What programs log reaches Redis, without one of them waiting for it; and what the API reads from there."""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from soniquebay import log_stream
from soniquebay.log_stream import INFO_STREAM, MAX_UNSENT_LINES, WARNING_STREAM, LogReader, StreamHandler
from tests.support.stack import wait_until
from tests.support.workers import Bench

LOGGERS = ("soniquebay.test", "redis", "flower.inspector")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Give a Redis of its own."""
    running = Bench(tmp_path)
    yield running
    running.stop()


@pytest.fixture
def url(bench: Bench) -> str:
    return f"unix://{bench.socket}"


@pytest.fixture
def handler(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[StreamHandler]:
    monkeypatch.setattr(log_stream, "SEND_INTERVAL_SECONDS", 0.05)
    attached = StreamHandler("worker", url)
    for name in LOGGERS:
        logging.getLogger(name).addHandler(attached)
        logging.getLogger(name).setLevel(logging.INFO)
    yield attached
    for name in LOGGERS:
        logging.getLogger(name).removeHandler(attached)


log = logging.getLogger("soniquebay.test")


def messages(url: str, level: log_stream.Level = "info") -> list[str]:
    return [line.message for line in LogReader(url).lines_since(0, level)]


def test_a_line_has_its_program_its_level_and_its_scan(handler: StreamHandler, url: str) -> None:
    start = time.time()
    try:
        raise OSError("no space")
    except OSError:
        log.exception(
            "not written %s", "caf\udce9", extra={"session_id": 3, "track_id": 17, "task": "vector.calculate"}
        )
    handler.flush()
    (line,) = LogReader(url).lines_since(start)
    assert line.at >= start
    assert line[1:] == (
        "worker", "error", "soniquebay.test", "not written caf\\udce9 (OSError: no space)", "vector.calculate", 3, 17
    )  # fmt: skip
    assert LogReader(url).lines_since(time.time() + 1) == []


def test_others_tell_only_what_is_wrong(handler: StreamHandler, url: str) -> None:
    other = logging.getLogger("redis")
    other.info("of no interest")
    other.warning("odd")
    logging.getLogger("flower.inspector").warning("a busy worker does not answer")
    log.info("began")
    log.debug("not told")
    handler.flush()
    assert messages(url) == ["began", "odd"]
    assert messages(url, "warning") == ["odd"]
    assert messages(url, "error") == []


def test_the_version_changes_with_each_line(handler: StreamHandler, url: str) -> None:
    reader = LogReader(url)
    versions = [reader.version()]
    for level in (logging.INFO, logging.WARNING):
        log.log(level, "x")
        handler.flush()
        versions.append(reader.version())
    assert len(set(versions)) == 3 == len({*versions, reader.version()})


def test_a_long_line_is_cut_and_old_ones_go(handler: StreamHandler, bench: Bench, url: str) -> None:
    log.warning("é" * 5000)
    handler.flush()
    assert messages(url) == ["é" * (log_stream.MAX_MESSAGE_BYTES // 2) + "…"]
    for n in range(8 * MAX_UNSENT_LINES):
        log.info("%d", n)
        if n % MAX_UNSENT_LINES == 0:
            handler.flush()
    handler.flush()
    # Redis removes whole nodes of its list, each of up to 100 entries.
    assert log_stream.MAX_STREAM_LINES <= bench.redis.xlen(INFO_STREAM) <= log_stream.MAX_STREAM_LINES + 100
    assert bench.redis.xlen(WARNING_STREAM) == 1


def test_nobody_waits_while_redis_is_down_and_it_is_told_afterwards(
    handler: StreamHandler, bench: Bench, url: str
) -> None:
    log.warning("before")
    handler.flush()
    bench.kill_redis()
    start = time.monotonic()
    for n in range(MAX_UNSENT_LINES + 1000):
        log.warning("%d", n)
        logging.getLogger("redis").error("a line of somebody else")
    assert time.monotonic() - start < 1.0
    bench.start_redis()
    wait_until(lambda: any("further lines are not shown" in line for line in messages(url)))
    handler.flush()
    told = messages(url)
    assert {"before", "0", "1"} <= set(told)
    assert "1050" not in told
    log.warning("afterwards")
    handler.flush()
    assert messages(url)[0] == "afterwards"
    (dropped,) = [line for line in messages(url) if "further" in line]
    assert int(dropped.split()[0]) + len(told) - 2 == 2 * (MAX_UNSENT_LINES + 1000)


def test_what_the_sender_itself_causes_is_not_sent(
    handler: StreamHandler, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = StreamHandler._send

    def send_and_log(self: StreamHandler, *arguments: object) -> bool:
        logging.getLogger("redis").warning("connecting")
        return send(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(StreamHandler, "_send", send_and_log)
    log.warning("first")
    handler.flush()
    time.sleep(0.3)
    assert messages(url) == ["first"]


def test_a_forked_process_sends_its_own_lines_and_not_its_parents(handler: StreamHandler, url: str) -> None:
    log.warning("of the parent")
    child = os.fork()
    if not child:
        log.warning("of the child")
        handler.flush()
        os._exit(0)
    os.waitpid(child, 0)
    handler.flush()
    assert sorted(messages(url)) == ["of the child", "of the parent"]


def test_a_process_that_ends_sends_its_last_line(bench: Bench, url: str) -> None:
    code = (
        "import logging; from soniquebay import log_stream; "
        f"log_stream.attach('api', {url!r}); logging.getLogger('soniquebay').error('it ends')"
    )
    start = time.monotonic()
    subprocess.run([sys.executable, "-c", code], check=True)
    assert time.monotonic() - start < 5
    assert messages(url) == ["it ends"]


def test_entries_of_another_form_are_passed_over(handler: StreamHandler, bench: Bench, url: str) -> None:
    log.warning("known")
    handler.flush()
    ((_, known),) = bench.redis.xrange(WARNING_STREAM)
    others: list[dict[bytes, bytes]] = [
        {b"text": b"x"}, {**known, b"at": b"noon"}, {**known, b"level": b"loud"}, {**known, b"program": b"cron"},
        {**known, b"message": b"\xff"}, {**known, b"session_id": b"one"},
    ]  # fmt: skip
    for entry in others:
        bench.redis.xadd(WARNING_STREAM, entry)  # type: ignore[arg-type]
    assert messages(url) == ["known"]


def test_a_line_counts_by_its_own_time_however_late_it_was_sent(handler: StreamHandler, url: str) -> None:
    late = log.makeRecord(log.name, logging.WARNING, __file__, 1, "long ago", (), None)
    late.created = time.time() - 7200
    log.handle(late)
    handler.flush()
    assert messages(url) == ["long ago"]
    assert LogReader(url).lines_since(time.time() - 3600) == []
