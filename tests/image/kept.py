"""What a machine has to keep through an upgrade or a repair: its library, and what was made on the device.

`python -m tests.image.kept STATE` gives the machine of a Molecule scenario a library, and notes both in STATE.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from image.emulated import detached
from tests.audio_files import tone

from .appliance import Appliance

NOTE = "kept.json"
PLACE = "/srv/music/Kept"


def learn(appliance: Appliance, folder: Path) -> None:
    """Put a song on the machine, and have it scanned and analysed."""
    song = folder / "song.ogg"
    tone(song, 2.0, title="Kept", artist="Somebody", album="An album")
    appliance.machine.scp(song, "/tmp/song.ogg")
    appliance.run(f"install -D -m 0644 /tmp/song.ogg {PLACE}/song.ogg; soniquebay scan --wait-vectors")


def kept(appliance: Appliance) -> dict[str, Any]:
    """The library, and Flower's password."""
    tracks = appliance.all_of("/api/tracks")
    assert [(track["title"], track["has_vector"]) for track in tracks] == [("Kept", True)]
    return {"tracks": tracks, "password": appliance.flower_password()}


def main() -> None:
    """Prepare the machine of a scenario."""
    state = Path(sys.argv[1])
    machine = detached.attach(state)
    appliance = Appliance(machine)
    appliance.healthy(600)
    with tempfile.TemporaryDirectory() as folder:
        learn(appliance, Path(folder))
    (state / NOTE).write_text(json.dumps(kept(appliance)))
    machine.let_go()


if __name__ == "__main__":
    main()
