"""`make run`: from the sources to a scanned library on the emulated machine, with everything in sight."""

from __future__ import annotations

