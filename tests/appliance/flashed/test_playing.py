"""An app plays a track of the booted machine, with a password of its own."""

from __future__ import annotations

import tempfile
from pathlib import Path

import av
import httpx

from ..client import REQUEST_TIMEOUT_SECONDS, Appliance


def test_an_app_plays_a_track(appliance: Appliance) -> None:
    appliance.scan_songs("/srv/music/Played", 1, title="Played", artist="Somebody", album="An album")
    cookie = appliance.cookie()
    with httpx.Client(base_url=appliance.machine.url(), timeout=REQUEST_TIMEOUT_SECONDS) as client:
        made = client.post("/api/account/app-passwords", json={"name": "Phone"}, cookies=cookie)
        app = {"Authorization": f"Bearer {made.json()['password']}"}
        client.cookies.clear()
        (track,) = (t for t in client.get("/api/tracks", headers=app).json()["items"] if t["title"] == "Played")
        assert track["path"] == "Played/1.ogg"
        sound = client.get(f"/api/tracks/{track['id']}/stream", headers=app)
        assert (sound.status_code, sound.headers["content-type"]) == (200, "audio/ogg")
        part = client.get(f"/api/tracks/{track['id']}/stream", headers={**app, "Range": "bytes=100-199"})
        assert (part.status_code, part.content) == (206, sound.content[100:200])
        assert client.post("/api/scan", headers=app).status_code == 403
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "song.ogg"
        file.write_bytes(sound.content)
        with av.open(str(file)) as container:
            assert sum(frame.samples for frame in container.decode(audio=0)) > 44100
