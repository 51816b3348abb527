"""Client libraries that others publish, as they are installed, against a stack as it is shipped.

Each browses, searches, plays, stars, rates, reports plays, makes a playlist, and asks for lyrics, covers and similar
songs. Its program prints what it got.
"""

from pathlib import Path

import pytest

from tests.support.published_clients import assert_played, play, write_music


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_music(tmp_path_factory.mktemp("music"))


@pytest.mark.parametrize("client", ["py-opensonic", "knuckles", "subsonic-api"])
def test_a_client_plays(
    client: str, environment: Path, login: tuple[str, str, str], music: Path, tmp_path: Path
) -> None:
    assert_played(play(client, environment, login, tmp_path), tmp_path, music, alone=True)
