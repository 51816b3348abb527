"""The quick readers on the files of mutagen's tests: each answer is the one of the reader behind them."""

import shutil
from collections import Counter
from pathlib import Path

from tests.corpus import archives
from tests.support.readers import outcome

SUFFIXES = (".mp3", ".flac", ".ogg", ".opus", ".m4a", ".mp4")


def test_every_answer_is_that_of_the_other_reader(tmp_path: Path) -> None:
    outcomes: Counter[str] = Counter()
    for file in archives.files():
        outcomes[f"{outcome(file)} {file.suffix}"] += 1
        if file.suffix not in SUFFIXES:
            for suffix in SUFFIXES:  # misnamed files are common
                copy = tmp_path / f"x{suffix}"
                shutil.copy(file, copy)
                outcomes[f"{outcome(copy)} misnamed"] += 1
    answered = {kind: count for kind, count in outcomes.items() if kind.startswith("same")}
    assert {f"same {suffix}" for suffix in (".mp3", ".flac", ".ogg", ".opus", ".m4a")} <= set(answered), outcomes
    assert not outcomes["alone misnamed"], outcomes
