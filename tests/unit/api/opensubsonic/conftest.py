"""A library, two users and their apps."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from soniquebay.api.public import public_app
from soniquebay.api.server import make_services
from soniquebay.api.services import Services
from soniquebay.listeners import users
from soniquebay.settings import from_environment
from tests.unit.api.opensubsonic.client import Client, app_of
from tests.unit.songs import ID_A, ID_B, file, insert


@pytest.fixture(scope="package")
def services(tmp_path_factory: pytest.TempPathFactory) -> Services:
    data = tmp_path_factory.mktemp("data")
    return made(data, Path("/r"))


def made(data: Path, music: Path) -> Services:
    services = make_services(
        from_environment(
            {"SONIQUEBAY_DATA": str(data), "SONIQUEBAY_MUSIC": str(music), "SONIQUEBAY_CLAIM_FOLDER": str(data)}
        )
    )
    services.accounts.make_owner("Ada", "correct horse")
    with services.accounts.change() as db:
        users.add(db, "Bob", "long enough", "listen")
    root = str(music)
    insert(
        services.database,
        *(
            file(
                f"{root}/Bees/Hive/{n:02}.flac", title=f"Song {n}", artist="The Bees", album="The Hive",
                duration=60.6 + n, track=n, disc=1, year="2001-02-03", genres=("Rock", "Soul"),
                album_artist="The Bees", size=1000 + n, composer="Joan",
                label="Wax", release_type="album", isrc="GBAYE0000001", mb_recording=ID_A,
                mb_artist=ID_B, comment="well", replaygain_track_gain="-6.5 dB", mood="calm",
                lyrics="Three\nFour" if n == 2 else None,
                synced_lyrics="[00:01.00]One\n[00:02.50]Two" if n == 1 else None,
            )
            for n in range(1, 6)
        ),
        *(
            file(f"{root}/Zoe/{n}.mp3", title=f"Tone {n} & <more>", artist=f"Zoe{' feat. Abba' * (n == 1)}",
                 album="Élan", format="MP3", track=n, disc=n, year=1994, genres=("Jazz",), disc_subtitle=f"Part {n}")
            for n in range(1, 4)
        ),
        *(file(f"{root}/Various/{n}.ogg", title=f"Piece {n}", artist=f"One {n}", album="Mixed", compilation=True,
               album_artist="Various Artists", format="Ogg Vorbis", year=2010, genres=("Rock",)) for n in range(1, 4)),
        file(f"{root}/alone.m4a", title="Alone", artist="Hermit", format="M4A"),
        file(f"{root}/odd\\xff.flac", title="Odd\x02name\x7f", artist="Ünï\u2028\U0001d11e"),
    )  # fmt: skip
    return services


@pytest.fixture(scope="package")
def http(services: Services) -> TestClient:
    return TestClient(public_app(services), "http://localhost", raise_server_exceptions=True)


@pytest.fixture(scope="package")
def ada(services: Services, http: TestClient) -> Client:
    return app_of(services, http, "Ada", "manage")


@pytest.fixture(scope="package")
def bob(services: Services, http: TestClient) -> Client:
    return app_of(services, http, "Bob")
