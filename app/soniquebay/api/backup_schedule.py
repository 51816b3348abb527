"""When a backup is due. The clock may jump by years, so what counts is the time that has passed."""

from dataclasses import dataclass
from typing import Literal

Reason = Literal["night", "day", "scan", "request"]
"""`day`: a day has passed without one. `scan`: a scan has changed many tracks. `request`: somebody asked for it."""

START_DELAY_SECONDS = 600.0  # after a start there is other work, and the clock of a Pi is not set yet
MIN_INTERVAL_SECONDS = 6 * 3600.0  # each writes the whole library to the card
MAX_INTERVAL_SECONDS = 86_400.0
LARGE_SCAN_TRACKS = 1000


@dataclass(frozen=True, slots=True)
class Moment:
    """What the decision depends on."""

    monotonic: float
    """Seconds."""
    hour: int
    """Of the local time, as the clock has it."""
    changed_tracks: int
    """By scans since the last backup of this process."""
    newest_age: float | None
    """Seconds since the newest backup by the clock, negative if it is of the future; None: there is none."""


class Schedule:
    """Decides when a backup is made without a request."""

    def __init__(self, hour: int, started: float) -> None:
        """`hour`: of the nightly one. `started`: monotonic seconds."""
        self._hour, self._started = hour, started
        self._last: float | None = None

    def note_attempt(self, monotonic: float) -> None:
        """Note that a backup was made, or tried."""
        self._last = monotonic

    def reason(self, now: Moment) -> Reason | None:
        """Return why a backup is due; None while none is."""
        passed = now.monotonic - (self._started if self._last is None else self._last)
        if passed < (START_DELAY_SECONDS if self._last is None else MIN_INTERVAL_SECONDS):
            return None
        if now.changed_tracks > LARGE_SCAN_TRACKS:
            return "scan"
        # A Pi that is switched off each night has no night, and no day in one piece.
        if passed >= MAX_INTERVAL_SECONDS or (self._last is None and not _is_within(MAX_INTERVAL_SECONDS, now)):
            return "day"
        is_new = self._last is None and _is_within(MIN_INTERVAL_SECONDS, now)
        return "night" if now.hour == self._hour and not is_new else None


def _is_within(seconds: float, now: Moment) -> bool:
    return now.newest_age is not None and 0 <= now.newest_age < seconds
