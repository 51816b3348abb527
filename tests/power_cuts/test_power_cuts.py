"""Power cuts at any moment, each with the loss of writes that the card had not flushed: the appliance always recovers.

Environment variables: POWER_CUTS is the number of cuts. POWER_CUTS_SEED chooses their moments and the writes that are
lost. POWER_CUTS_FROM is the number of the first cut to run, which has to be a cut of a first boot. POWER_CUTS_SIMULATED
is the number of further cards that are made and checked, but not booted, for each cut.
"""

from __future__ import annotations

import os
from pathlib import Path

from image.build_root import BuildRoot

from .plan import Phase, plan
from .run import PowerCutRun, table

MIN_CUTS_FOR_TOTALS = 10
COUNT = int(os.environ.get("POWER_CUTS", "3"))
FIRST_CUT = int(os.environ.get("POWER_CUTS_FROM", "1"))
SEED = int(os.environ.get("POWER_CUTS_SEED", "5"))
SIMULATED_CUTS = int(os.environ.get("POWER_CUTS_SIMULATED", "3"))


def test_the_appliance_recovers_from_every_power_cut(image_file: Path, tools: BuildRoot, tmp_path: Path) -> None:
    cuts = plan(COUNT, SEED)[FIRST_CUT - 1 :]
    assert cuts[0].phase == Phase.FIRST_BOOT, f"{cuts[0]}: it needs the card of the cut before"
    print(f"\n{len(cuts)} power cuts, seed {SEED}")
    with PowerCutRun(image_file, tools, tmp_path, SIMULATED_CUTS) as run:
        for cut in cuts:
            run.execute(cut)
    print(table(run.records))
    # cuts that interrupt no scan prove nothing about scans
    scans = [record.interrupted for record in run.records if record.cut.phase == Phase.SCAN]
    assert sum(scans) >= len(scans) / 2
    if len(run.records) >= MIN_CUTS_FOR_TOTALS:  # each of a few cuts may by chance lose nothing
        assert sum(record.replay.written for record in run.records if record.cut.phase == Phase.FIRST_BOOT)
        assert sum(record.replay.lost for record in run.records)
