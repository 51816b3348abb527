"""The clock of the machine, which has no battery."""

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import soniquebay
from soniquebay.doctor.finding import Finding, ok, wrong
from soniquebay.doctor.surroundings import Surroundings
from soniquebay.library.database import open_read_only

TOLERANCE_SECONDS = 86400.0
_REMEDY = (
    "Connect the network, from which the time comes; timedatectl shows whether it did. By hand: "
    "sudo timedatectl set-time 'YYYY-MM-DD HH:MM'"
)


def clock(around: Surroundings) -> Iterator[Finding]:
    """Check that the clock is not before the release was made, nor before the last scan."""
    now = around.clock()
    shown = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(now))
    made = Path(soniquebay.__file__).stat().st_mtime
    if now < made - TOLERANCE_SECONDS:
        yield wrong(f"The clock says {shown}, which is before this release was made.", _REMEDY)
    elif now < _last_scan(around) - TOLERANCE_SECONDS:
        yield wrong(f"The clock says {shown}, which is before the last scan.", _REMEDY)
    else:
        yield ok(f"The clock says {shown}.")


def _last_scan(around: Surroundings) -> float:
    try:
        with open_read_only(around.settings.database) as db:
            (newest,) = db.execute("SELECT started_at FROM scan_sessions ORDER BY id DESC LIMIT 1").fetchone() or (0.0,)
    except sqlite3.Error:
        return 0.0
    return float(newest)
