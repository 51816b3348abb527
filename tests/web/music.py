"""A library to look at: albums of several artists and genres, each with a cover of its own, and real sound."""

import colorsys
import random
from pathlib import Path

from PIL import Image, ImageDraw

from tests.support.audio_files import tone

SONG_SECONDS = 6
_ARTISTS = (
    "Ada North",
    "The Quiet Harbour",
    "Élan Vital",
    "Nils Fjord",
    "Mara & the Tides",
    "Sólveig",
    "久石 奏",
    "Otto Klang",
)
TITLES = ("Lanterns", "Low Water", "Northern Rooms", "Paper Boats", "Salt", "Slow Weather", "The Long Quay", "Undertow")
_GENRES = ("Folk", "Electronic", "Jazz", "Ambient")
_SONGS = ("Arrival", "Beacon", "Current", "Driftwood", "Ebb")
ALBUMS_PER_ARTIST = 3


def make(folder: Path, albums_per_artist: int = ALBUMS_PER_ARTIST, songs_per_album: int = 3) -> int:
    """Fill a folder with music and return the number of files."""
    rng = random.Random(3)  # noqa: S311
    files = 0
    for number, artist in enumerate(_ARTISTS):
        for album_no in range(albums_per_artist):
            title = f"{TITLES[(number + 3 * album_no) % len(TITLES)]}{' II' if album_no >= len(TITLES) else ''}"
            album = folder / artist / f"{album_no + 1} {title}"
            album.mkdir(parents=True)
            _cover(rng).save(album / "cover.jpg", quality=88)
            for song_no, song in enumerate(_SONGS[:songs_per_album], start=1):
                path = album / f"{song_no:02} {song}.flac"
                tone(path, SONG_SECONDS, 110 + 20 * number + 7 * song_no, title=song, artist=artist, album=title,
                     track=str(song_no), date=str(1990 + 4 * album_no + number), genre=_GENRES[number % 4],
                     replaygain_track_gain="-6.02 dB")  # fmt: skip
                files += 1
            (album / "01 Arrival.lrc").write_text(
                "[00:00.50]The boats come in\n[00:02.00]The harbour lights\n[00:04.00]are on\n"
            )
    return files


def _cover(rng: random.Random) -> Image.Image:
    hue = rng.random()
    colours = [
        colorsys.hls_to_rgb((hue + turn) % 1, light, 0.5) for turn, light in ((0, 0.3), (0.08, 0.55), (0.5, 0.8))
    ]
    ground, middle, light = (tuple(round(255 * part) for part in colour) for colour in colours)
    picture = Image.new("RGB", (600, 600), ground)
    draw = ImageDraw.Draw(picture)
    for step in range(5):
        top = 240 + 70 * step
        heights = [(x, top + rng.randint(-40, 40)) for x in range(0, 601, 120)]
        draw.polygon(
            [*heights, (600, 600), (0, 600)],
            fill=tuple((m * (5 - step) + g * step) // 5 for m, g in zip(middle, ground, strict=True)),
        )
    x, y, r = rng.randint(120, 480), rng.randint(90, 220), rng.randint(40, 90)
    draw.ellipse((x - r, y - r, x + r, y + r), fill=light)
    return picture
