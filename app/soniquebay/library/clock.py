"""The machine's clock may jump: it has no battery, and comes from the network some time after the start.

What a process measures, it measures by a monotonic clock. What has to outlive it is a time in a row. A row whose
time lies in the future was written while the clock was wrong, or the clock is wrong now.
"""

import sqlite3
import time

TOLERANCE_SECONDS = 3600.0  # of a clock that is set by the network
MAX_QUIET_SECONDS = 180 * 86400.0  # without a scan: each start of the API makes one


def treat_future_as_now(db: sqlite3.Connection, now: float) -> None:
    """Give open work that counts as sent in the future the time `now` (Unix seconds), so that it can become old."""
    db.execute("UPDATE batches SET sent_at = ? WHERE done_at IS NULL AND sent_at > ?", (now, now))
    db.execute(
        "UPDATE scan_sessions SET heartbeat_at = ? WHERE status IN ('running', 'paused') AND heartbeat_at > ?",
        (now, now),
    )


def newest_known(db: sqlite3.Connection) -> float:
    """Return when the newest scan has begun (Unix seconds); 0 without a scan.

    Not the latest time: an older scan may have been made while the clock was ahead.
    """
    row = db.execute("SELECT started_at FROM scan_sessions ORDER BY id DESC LIMIT 1").fetchone()
    return float(row["started_at"]) if row else 0.0


def doubt(db: sqlite3.Connection, now: float, missing_before: float) -> str | None:
    """Return why no tracks should be deleted for having been missing since before a time; None without a reason.

    The reason is that the clock is behind a scan, or that nothing happened for very long since the first of them
    was missing: then the clock may be wrong, or may have been. `now`, `missing_before`: Unix seconds.
    """
    (first,) = db.execute("SELECT min(missing_since) FROM tracks WHERE missing_since < ?", (missing_before,)).fetchone()
    if first is None:
        return None
    newest = newest_known(db)
    if now < newest - TOLERANCE_SECONDS:
        return f"the clock says {_day(now)}, but a scan was made on {_day(newest)}"
    rows = db.execute("SELECT started_at FROM scan_sessions WHERE started_at >= ? ORDER BY started_at", (first,))
    before = first
    for at in [*(row["started_at"] for row in rows), now]:
        if at - before > MAX_QUIET_SECONDS:
            return f"no scan was made between {_day(before)} and {_day(at)}: one of these dates may be wrong"
        before = at
    return None


def _day(at: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(at))
