"""The canary: an audio file of the release itself, by which a running SoniqueBay checks that it can read and play.

`canary.flac` is a tone of one second with tags and a picture. `tests/support/canary_file.py` makes it; nothing in it is
anybody else's work.
"""

from pathlib import Path

PATH = Path(__file__).with_name("canary.flac")
SECONDS = 1.0
SAMPLE_RATE_HZ = 22050
# What the file says, as the readers name it. The title is in letters that only the right code page shows.
TAGS = {
    "title": "Canário",
    "artist": "SoniqueBay",
    "album": "Check of the release",
    "date": "2026",
    "genre": "Test",
}
SOUND = {"format": "FLAC", "codec": "FLAC", "duration": SECONDS, "sample_rate": SAMPLE_RATE_HZ, "channels": 1}
THUMBNAIL_SIZES_PIXELS = (160,)  # those that are smaller than its picture
