"""Apps play from the booted machine, each with a password of its own; two of them are libraries that others publish."""

from __future__ import annotations

import tempfile
from pathlib import Path

import av
import httpx
import pytest

from tests.support import published_clients

from ..client import OWNER, REQUEST_TIMEOUT_SECONDS, Appliance, wait_for


def test_an_app_plays_a_track(appliance: Appliance) -> None:
    appliance.scan_songs("/srv/music/Played", 1, title="Played", artist="Somebody", album="An album")
    app = {"Authorization": f"Bearer {appliance.app_password('Phone')}"}
    with httpx.Client(base_url=appliance.machine.url(), timeout=REQUEST_TIMEOUT_SECONDS) as client:
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


@pytest.fixture(scope="module")
def clients_music(appliance: Appliance, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the songs that the clients play, which the machine has scanned, analysed and found the covers of."""
    music = published_clients.write_music(tmp_path_factory.mktemp("clients") / "music")
    appliance.scan_folder(music, "/srv/music/Clients")
    names = {album for _, album, _ in published_clients.ALBUMS}

    def all_have_covers() -> bool:
        return names <= {album["title"] for album in appliance.all_items("/api/albums") if album["has_cover"]}

    wait_for("the albums have their covers", all_have_covers)
    return music


@pytest.mark.parametrize("client", ["py-opensonic", "knuckles"])
def test_a_published_client_plays(appliance: Appliance, clients_music: Path, client: str, tmp_path: Path) -> None:
    login = (appliance.machine.url(), OWNER["name"], appliance.app_password(client))
    clients = published_clients.environment(with_npm=False)
    shown = published_clients.play(client, clients, login, tmp_path)
    published_clients.assert_played(shown, tmp_path, clients_music, alone=False)
