"""The machine's clock may jump: it has no battery, and comes from the network some time after the start.

What a process measures, it measures by a monotonic clock. What has to outlive it is a time in a row. A row whose
time lies in the future was written while the clock was wrong, or the clock is wrong now.
"""

import sqlite3
import time
from collections.abc import Sequence
from itertools import accumulate

TOLERANCE_SECONDS = 3600.0  # of a clock that is set by the network
MAX_QUIET_SECONDS = 180 * 86400.0  # without a scan: each start of the API makes one


def treat_future_as_now(db: sqlite3.Connection, now: float) -> None:
    """Give open work that counts as sent in the future the time `now` (Unix seconds), so that it can become old."""
    db.execute("UPDATE batches SET sent_at = ? WHERE done_at IS NULL AND sent_at > ?", (now, now))
    db.execute(
        "UPDATE scan_sessions SET heartbeat_at = ? WHERE status IN ('running', 'paused') AND heartbeat_at > ?",
        (now, now),
    )


def treat_future_absence_as_now(db: sqlite3.Connection, now: float) -> None:
    """Have tracks that count as missing since the future be missing since `now` (Unix seconds).

    Only for a clock for which a person vouches: with one that is behind, they would later count as missing for longer
    than they are.
    """
    db.execute("UPDATE tracks SET missing_since = ?1 WHERE missing_since > ?1", (now,))


def newest_known(db: sqlite3.Connection) -> float:
    """Return when the newest scan has begun (Unix seconds); 0 without a scan.

    Not the latest time: an older scan may have been made while the clock was ahead.
    """
    row = db.execute("SELECT started_at FROM scan_sessions ORDER BY id DESC LIMIT 1").fetchone()
    return float(row["started_at"]) if row else 0.0


def doubt(db: sqlite3.Connection, now: float, missing_before: float) -> str | None:
    """Return why no tracks should be deleted for having been missing since before a time; None without a reason.

    The reason is that the clock is behind a scan, that it was set back since one of them was missing, or that nothing
    happened for very long since then: the clock may be wrong, or may have been. `now`, `missing_before`: Unix seconds.
    """
    dates = db.execute(
        "SELECT DISTINCT missing_since FROM tracks WHERE missing_since < ? ORDER BY missing_since", (missing_before,)
    ).fetchall()
    if not dates:
        return None
    newest = newest_known(db)
    if now < newest - TOLERANCE_SECONDS:
        return f"the clock says {_day(now)}, but a scan was made on {_day(newest)}"
    if set_back := _set_back(db, [row["missing_since"] for row in dates], now):
        missing_since, scanned = (_day(at) for at in set_back)
        return f"the clock was set back between {missing_since}, when a track was missing, and a scan of {scanned}"
    first = dates[0]["missing_since"]
    rows = db.execute(  # one of the future was made by a clock ahead, and tells nothing
        "SELECT started_at FROM scan_sessions WHERE started_at BETWEEN ? AND ? ORDER BY started_at", (first, now)
    )
    before = first
    for at in [*(row["started_at"] for row in rows), now]:
        if at - before > MAX_QUIET_SECONDS:
            return f"no scan was made between {_day(before)} and {_day(at)}: one of these dates may be wrong"
        before = at
    return None


def _set_back(db: sqlite3.Connection, dates: Sequence[float], now: float) -> tuple[float, float] | None:
    """Return a date of missing tracks, and when a scan was made that contradicts it; None if nothing does.

    A scan contradicts a date if it was made after the scan that noted it, but says to be older, or was made before that
    scan, and says to be newer. One that says to be of the future was made by a clock ahead, and tells nothing.
    """
    scans = [
        (row["started_at"], now if row["finished_at"] is None else row["finished_at"])
        for row in db.execute("SELECT started_at, finished_at FROM scan_sessions ORDER BY id")
    ]
    begun_before = list(accumulate((start if start <= now else 0.0 for start, _ in scans), max, initial=0.0))
    ended_after = list(accumulate((end for _, end in reversed(scans)), min, initial=float("inf")))[::-1]
    for date in dates:
        noted_by = next((n for n in reversed(range(len(scans))) if min(scans[n]) <= date <= max(scans[n])), None)
        if noted_by is None:
            continue
        if begun_before[noted_by] > date + TOLERANCE_SECONDS:
            return date, begun_before[noted_by]
        if ended_after[noted_by + 1] < date - TOLERANCE_SECONDS:
            return date, ended_after[noted_by + 1]
    return None


def _day(at: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(at))
