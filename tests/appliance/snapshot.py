"""A snapshot of what a machine has to keep through an upgrade or a repair: its library, its owner and a session.

`python -m tests.appliance.snapshot STATE` makes a library on the machine of a Molecule scenario and writes the snapshot
to the folder STATE.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import httpx

from image.emulated import detached

from .client import REQUEST_TIMEOUT_SECONDS, Appliance

FILE_NAME = "snapshot.json"


def take_snapshot(appliance: Appliance, cookie: dict[str, str]) -> dict[str, Any]:
    """Return all tracks, and who is signed in by the session that the snapshot began with."""
    tracks = appliance.all_items("/api/tracks")
    assert [(track["title"], track["has_vector"]) for track in tracks] == [("Kept", True)]
    session = httpx.get(f"{appliance.machine.url()}/api/session", cookies=cookie, timeout=REQUEST_TIMEOUT_SECONDS)
    return {"tracks": tracks, "user": session.json()["user"], "cookie": cookie}


def main() -> None:
    """Make the library and write the snapshot."""
    state = Path(sys.argv[1])
    machine = detached.attach(state)
    appliance = Appliance(machine)
    appliance.healthy()
    appliance.scan_songs("/srv/music/Kept", 1, title="Kept", artist="Somebody", album="An album")
    (state / FILE_NAME).write_text(json.dumps(take_snapshot(appliance, appliance.cookie())))
    machine.release_monitor()


if __name__ == "__main__":
    main()
