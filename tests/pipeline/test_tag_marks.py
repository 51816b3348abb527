"""Ratings, play counts and loved tracks in the tags of real files become those of a user, by the command line."""

from pathlib import Path

import httpx
from mutagen.id3 import ID3, POPM, TXXX

from tests.support.audio_files import tone
from tests.support.stack import Stack


def test_ratings_of_the_tags_are_taken_over(tmp_path: Path) -> None:
    music = tmp_path / "music"
    music.mkdir()
    tone(music / "a.mp3", title="Popularimeter", artist="Band", album="One")
    id3 = ID3(music / "a.mp3")
    id3.add(POPM(email="Windows Media Player 9 Series", rating=196, count=12))
    id3.add(TXXX(encoding=3, desc="LOVE RATING", text="L"))
    id3.save()
    tone(music / "b.ogg", title="Vorbis", artist="Band", album="One", fmps_rating="0.6", fmps_playcount="3.0")
    tone(music / "c.ogg", title="Nothing", artist="Band", album="One")
    stack = Stack(music, tmp_path / "data", login=True)
    try:
        stack.cli("scan", "--wait", control=True)
        stack.cli("user", "add", "Ada", control=True, typed="correct horse")
        done = stack.cli("user", "import-ratings", "ada", control=True)
        assert done.stdout == "ratings of 2 tracks, play counts of 2 and stars of 1 are taken over\n"
        again = stack.cli("user", "import-ratings", "Ada", control=True)
        assert again.stdout == "ratings of 0 tracks, play counts of 0 and stars of 0 are taken over\n"
        nobody = stack.cli("user", "import-ratings", control=True, check=False)
        assert (nobody.returncode, "sign in with a user's name" in nobody.stderr) == (1, True)
        with httpx.Client(base_url=stack.url) as ada:
            ada.post("/api/sign-in", json={"name": "Ada", "password": "correct horse"}).raise_for_status()
            page = ada.get("/api/marks/track", params={"sort": "most_played"}).json()
            marks = [page["items"][str(track["id"])] for track in page["tracks"]]
            assert [track["title"] for track in page["tracks"]] == ["Popularimeter", "Vorbis"]
            assert [(mark["rating"], mark["play_count"]) for mark in marks] == [(4, 12), (3, 3)]
            loved = ada.get("/api/marks/track", params={"sort": "starred"}).json()["tracks"]
            assert [track["title"] for track in loved] == ["Popularimeter"]
            assert ada.get(f"/api/tracks/{loved[0]['id']}").json()["tags"]["loved"] is True
    finally:
        stack.stop()
