"""A process in which loading the analysis was cut short does no other one."""

import sys
from collections.abc import Iterator
from typing import Any

import billiard.pool
import pytest
from celery.exceptions import SoftTimeLimitExceeded

from soniquebay.pipeline.vector import calculate

ANALYSIS = "soniquebay.audio.analysis"


class _OutOfTime:
    """Python's import system, in which the time limit comes while the analysis is loaded."""

    def find_spec(self, name: str, *_: Any) -> None:
        if name == ANALYSIS:
            raise SoftTimeLimitExceeded


@pytest.fixture
def loading_is_cut_short(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delitem(sys.modules, ANALYSIS, raising=False)
    monkeypatch.setattr(sys, "meta_path", [_OutOfTime(), *sys.meta_path])
    monkeypatch.setattr(billiard.pool, "mem_rss", lambda: 0)  # put back afterwards
    yield


@pytest.mark.usefixtures("loading_is_cut_short")
def test_a_process_whose_loading_was_cut_short_is_replaced() -> None:
    with pytest.raises(SoftTimeLimitExceeded):
        calculate(1, "/nowhere")
    assert billiard.pool.mem_rss() > 2**32  # KiB, what the pool replaces a process for
