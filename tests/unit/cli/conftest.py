from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.release_machine import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path)
    yield made
    with suppress(FileNotFoundError, ProcessLookupError):
        os.kill(int((tmp_path / "api.pid").read_text()), signal.SIGKILL)
