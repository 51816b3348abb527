"""The power is cut at any moment, and with it goes what the card had not flushed: it always comes back as it should.

POWER_CUTS says how many times, POWER_CUTS_SEED which moments and which writes, POWER_CUTS_REHEARSALS how many more
cards each makes that are only looked at, and POWER_CUTS_FROM with which of them to begin, one of a first boot.
"""

from __future__ import annotations

import os
from pathlib import Path

from image.build_root import BuildRoot

from .plan import Phase, plan
from .story import Story, table

MANY = 10
COUNT = int(os.environ.get("POWER_CUTS", "3"))
FROM = int(os.environ.get("POWER_CUTS_FROM", "1"))
SEED = int(os.environ.get("POWER_CUTS_SEED", "5"))
REHEARSALS = int(os.environ.get("POWER_CUTS_REHEARSALS", "3"))


def test_it_always_comes_back(image_file: Path, tools: BuildRoot, tmp_path: Path) -> None:
    story = Story(image_file, tools, tmp_path, REHEARSALS)
    cuts = plan(COUNT, SEED)[FROM - 1 :]
    assert cuts[0].phase == Phase.FIRST_BOOT, f"{cuts[0]}: that needs the card of the cut before"
    print(f"\n{len(cuts)} power cuts, seed {SEED}")
    with story:
        for cut in cuts:
            story.live(cut)
    print(table(story.records))
    # nothing is shown by a cut that found nothing to interrupt
    scans = [record.interrupted for record in story.records if record.cut.phase == Phase.SCAN]
    assert sum(scans) >= len(scans) / 2
    if len(story.records) >= MANY:  # of a few cuts each may by chance lose nothing
        assert sum(record.outcome.written for record in story.records if record.cut.phase == Phase.FIRST_BOOT)
        assert sum(record.outcome.lost for record in story.records)
