"""What reads a file, on a sample of all that is broken (`make corpus`: on all of it)."""

from pathlib import Path

import pytest

from tests.corpus.broken import Corpus
from tests.corpus.probe import assert_all_well

pytestmark = pytest.mark.slow


def test_no_file_crashes_hangs_or_fills_the_memory(tmp_path: Path) -> None:
    (tmp_path / "music").mkdir()
    assert_all_well(Corpus(tmp_path / "music", full=False).regular())
