"""Scanning a sample of the broken files (`make corpus` scans all of them)."""

from pathlib import Path

import pytest

from tests.corpus.broken import Corpus
from tests.corpus.scanned import assert_accounted_for
from tests.support.stack import Stack

pytestmark = pytest.mark.slow


def test_every_broken_file_is_a_track_or_a_failure(tmp_path: Path) -> None:
    (tmp_path / "music").mkdir()
    corpus = Corpus(tmp_path / "music", full=False)
    stack = Stack(corpus.root, tmp_path / "data")
    try:
        assert_accounted_for(stack, corpus, stack.scan())
    finally:
        assert stack.stop() == 0
