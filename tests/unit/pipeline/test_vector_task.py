"""A child process in which importing the analysis was interrupted is replaced."""

import sys
from collections.abc import Iterator
from typing import Any

import billiard.pool
import pytest
from celery.exceptions import SoftTimeLimitExceeded

from soniquebay.pipeline.vector import calculate

ANALYSIS = "soniquebay.audio.analysis"


class _InterruptedImport:
    """A finder of Python's import system that reaches the time limit when the analysis is imported."""

    def find_spec(self, name: str, *_: Any) -> None:
        if name == ANALYSIS:
            raise SoftTimeLimitExceeded


@pytest.fixture
def import_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delitem(sys.modules, ANALYSIS, raising=False)
    monkeypatch.setattr(sys, "meta_path", [_InterruptedImport(), *sys.meta_path])
    monkeypatch.setattr(billiard.pool, "mem_rss", lambda: 0)  # restored afterwards
    yield


@pytest.mark.usefixtures("import_is_interrupted")
def test_a_process_whose_import_was_interrupted_is_replaced() -> None:
    with pytest.raises(SoftTimeLimitExceeded):
        calculate(1, "/nowhere")
    assert billiard.pool.mem_rss() > 2**32  # KiB; the pool replaces a process above its limit
