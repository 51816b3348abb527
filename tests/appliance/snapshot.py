"""A snapshot of what a machine has to keep through an upgrade or a repair: its library and Flower's password.

`python -m tests.appliance.snapshot STATE` makes a library on the machine of a Molecule scenario and writes the snapshot
to the folder STATE.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from image.emulated import detached

from .client import Appliance

FILE_NAME = "snapshot.json"


def take_snapshot(appliance: Appliance) -> dict[str, Any]:
    """Return all tracks and Flower's password."""
    tracks = appliance.all_items("/api/tracks")
    assert [(track["title"], track["has_vector"]) for track in tracks] == [("Kept", True)]
    return {"tracks": tracks, "password": appliance.flower_password()}


def main() -> None:
    """Make the library and write the snapshot."""
    state = Path(sys.argv[1])
    machine = detached.attach(state)
    appliance = Appliance(machine)
    appliance.healthy()
    appliance.scan_songs("/srv/music/Kept", 1, title="Kept", artist="Somebody", album="An album")
    (state / FILE_NAME).write_text(json.dumps(take_snapshot(appliance)))
    machine.release_monitor()


if __name__ == "__main__":
    main()
