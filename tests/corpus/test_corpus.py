"""The whole corpus of broken files, read directly and scanned together with a file whose reading never ends."""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from soniquebay.library.paths import encode
from tests.corpus.broken import Corpus
from tests.corpus.probe import assert_all_well
from tests.corpus.scanned import assert_accounted_for
from tests.support.stack import Stack, children, wait_until


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    folder = tmp_path_factory.mktemp("corpus") / "music"
    folder.mkdir()
    return Corpus(folder, full=True)


@pytest.fixture
def stack(corpus: Corpus, tmp_path: Path) -> Iterator[Stack]:
    running = Stack(corpus.root, tmp_path / "data", SONIQUEBAY_PROCESSES="2")
    try:
        yield running
    finally:
        assert running.stop() == 0


def test_no_file_crashes_hangs_or_fills_the_memory(corpus: Corpus) -> None:
    assert_all_well(corpus.regular())


def test_every_file_is_a_track_or_a_failure_also_beside_one_that_hangs(
    stack: Stack, corpus: Corpus, tmp_path: Path
) -> None:
    pipe = tmp_path / "hangs.mp3"
    os.mkfifo(pipe)
    writer = os.open(pipe, os.O_RDWR)  # so that opening the pipe succeeds and reading it never ends
    with stack.frozen("worker"):
        session = httpx.post(f"{stack.url}/api/scan").json()["session_id"]
        # As if it had been a regular file when it was discovered.
        batch = {"batch_id": "hangs", "files": [{"path": encode(str(pipe)), "size": 1000, "mtime_ns": 1}]}
        with httpx.Client(transport=httpx.HTTPTransport(uds=stack.environment()["SONIQUEBAY_API_SOCKET"])) as api:
            assert api.post(f"http://api/internal/sessions/{session}/batches", json=batch).json()["new"]
    worker = stack.program("worker")

    def readers() -> list[int]:
        return [pid for pid in children(worker) if _has_open(pid, pipe)]

    (reader,) = wait_until(readers)
    wait_until(lambda: stack.get(f"/api/scan-sessions/{session}")["progress"]["phase"] == "done", 150)
    assert stack.program("worker") == worker
    assert stack.failures(session)["hangs.mp3"].startswith("could not be read within")
    wait_until(lambda: reader not in children(worker) and children(worker))  # the process was replaced
    os.close(writer)
    corpus.paths.add(os.fsencode(pipe))
    summary = stack.get(f"/api/scan-sessions/{session}")
    assert_accounted_for(stack, corpus, {**summary, "session_id": session})


def _has_open(pid: int, file: Path) -> bool:
    try:
        return any(fd.readlink() == file for fd in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False
