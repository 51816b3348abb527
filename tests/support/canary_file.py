"""Makes the canary of the application: python -m tests.support.canary_file."""

import io
from pathlib import Path

from mutagen.flac import FLAC
from PIL import Image

from soniquebay.audio import canary
from tests.support.audio_files import tag
from tests.support.sounds import stairs, write

PICTURE_PIXELS = 200  # of each side: one thumbnail is smaller


def make(path: Path) -> Path:
    """Write the canary: FLAC in mono, with tags and a picture."""
    write(path, stairs(canary.SECONDS, canary.SAMPLE_RATE_HZ, 1), canary.SAMPLE_RATE_HZ, "flac")
    tag(path, picture=_picture(), **canary.TAGS)
    FLAC(path).save(padding=lambda _: 0)
    return path


def _picture() -> bytes:
    output = io.BytesIO()
    Image.new("RGB", (PICTURE_PIXELS, PICTURE_PIXELS), (250, 210, 60)).save(output, "PNG")
    return output.getvalue()


if __name__ == "__main__":
    make(canary.PATH)
