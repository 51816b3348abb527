"""Pictures of unknown origin: what they are, whether they can be shown, and small copies of them."""

import io
import warnings
from dataclasses import dataclass, field

from PIL import Image, ImageOps

from soniquebay.audio.picture_format import LARGEST, SIZES, media_type

_QUALITY = 85
# What decoding takes at its worst, in bytes a pixel, measured: a progressive JPEG keeps all its coefficients, PNG and
# GIF the picture and a converted copy, WebP two canvases and two copies.
_COST = {"JPEG": 3, "PNG": 9, "GIF": 9, "WEBP": 16}
_BUDGET = 160_000_000  # bytes for one picture, beside what a worker's process of 500 MB has already


class UnusablePictureError(Exception):
    """The bytes are no picture that can be shown here; the text is the reason."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that was decoded once: as it came, and smaller by size in pixels (JPEG)."""

    data: bytes
    media_type: str
    thumbnails: dict[int, bytes] = field(default_factory=dict)


def render(data: bytes) -> Picture:
    """Decode a picture and make the thumbnails that are smaller than itself.

    Raises `UnusablePictureError` for what is too large, of no known kind, damaged, or would take too much memory.
    """
    kind = media_type(data)
    if kind is None:
        raise UnusablePictureError("not a picture of a known kind")
    if len(data) > LARGEST:
        raise UnusablePictureError(f"too large: {len(data)} bytes, {LARGEST} at most")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd but shown all the same, and the limit is our own
            return Picture(data, kind, _thumbnails(data))
    except UnusablePictureError:
        raise
    except (Exception, MemoryError) as error:
        # A decoder meets bytes that nobody foresaw: such a picture is passed over, whatever it raised.
        raise UnusablePictureError(f"cannot be decoded: {type(error).__name__}: {error}") from error


def _thumbnails(data: bytes) -> dict[int, bytes]:
    with Image.open(io.BytesIO(data), formats=tuple(_COST)) as picture:
        width, height = picture.size  # as the header says; nothing is decoded yet
        # Before draft(), which reports the smaller size while a progressive JPEG still takes the memory of the larger.
        if width * height * _COST[picture.format or "WEBP"] > _BUDGET:
            raise UnusablePictureError(f"too many pixels: {width} x {height}")
        picture.draft("RGB", (SIZES[-1], SIZES[-1]))  # JPEG alone: decoded smaller to begin with
        picture.load()
        longer = max(width, height)
        small = _flat(picture) if longer > SIZES[0] else picture
    made: dict[int, bytes] = {}
    for size in reversed(SIZES):
        if size < longer:
            small.thumbnail((size, size))  # each from the one before
            made[size] = _jpeg(small)
    return made


def _flat(picture: Image.Image) -> Image.Image:
    """Return the picture upright, without transparency, no larger than is needed."""
    if picture.mode not in {"L", "RGB", "RGBA"}:
        picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    picture.thumbnail((SIZES[-1], SIZES[-1]))
    upright = ImageOps.exif_transpose(picture)
    if upright.mode != "RGBA":
        return upright
    white = Image.new("RGB", upright.size, "white")
    white.paste(upright, mask=upright.getchannel("A"))
    return white


def _jpeg(picture: Image.Image) -> bytes:
    output = io.BytesIO()
    picture.save(output, "JPEG", quality=_QUALITY, optimize=True)
    return output.getvalue()
