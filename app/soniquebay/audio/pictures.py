"""Decoding of untrusted pictures: whether they can be shown, and their thumbnails."""

import io
import warnings
from dataclasses import dataclass, field

from PIL import Image, ImageOps

from soniquebay.audio.picture_format import MAX_PICTURE_BYTES, THUMBNAIL_SIZES_PIXELS, media_type

_JPEG_QUALITY = 85
# The most memory that decoding takes for each pixel, as measured: a progressive JPEG keeps all its coefficients, PNG
# and GIF the picture and a converted copy, WebP two canvases and two copies.
_DECODING_BYTES_PER_PIXEL = {"JPEG": 3, "PNG": 9, "GIF": 9, "WEBP": 16}
_MAX_DECODING_BYTES = 160_000_000  # for one picture, in a child process of up to 500 MB


class UnusablePictureError(Exception):
    """The data is not a picture that can be shown. The text is the reason."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that was decoded without an error: the original data, and JPEG thumbnails by their size in pixels."""

    data: bytes
    media_type: str
    thumbnails: dict[int, bytes] = field(default_factory=dict)


def decode_picture(data: bytes) -> Picture:
    """Decode a picture and make the thumbnails of `THUMBNAIL_SIZES_PIXELS` that are smaller than it.

    Raises `UnusablePictureError` when the data is larger than `MAX_PICTURE_BYTES`, is of an unknown kind, is damaged,
    or would take too much memory.
    """
    kind = media_type(data)
    if kind is None:
        raise UnusablePictureError("not a picture of a supported kind")
    if len(data) > MAX_PICTURE_BYTES:
        raise UnusablePictureError(f"too large: {len(data)} bytes, the limit is {MAX_PICTURE_BYTES}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd pictures that it can show, and of its own size limit
            return Picture(data, kind, _make_thumbnails(data))
    except UnusablePictureError:
        raise
    except (Exception, MemoryError) as error:
        # Pillow raises all kinds of errors on damaged data; whichever it is, the picture is skipped.
        raise UnusablePictureError(f"cannot be decoded: {type(error).__name__}: {error}") from error


def _make_thumbnails(data: bytes) -> dict[int, bytes]:
    largest_size = THUMBNAIL_SIZES_PIXELS[-1]
    with Image.open(io.BytesIO(data), formats=tuple(_DECODING_BYTES_PER_PIXEL)) as picture:
        width, height = picture.size  # from the header; nothing is decoded yet
        # Check before draft(): it reports the reduced size, while a progressive JPEG takes the memory of the full one.
        if width * height * _DECODING_BYTES_PER_PIXEL[picture.format or "WEBP"] > _MAX_DECODING_BYTES:
            raise UnusablePictureError(f"too many pixels: {width} x {height}")
        picture.draft("RGB", (largest_size, largest_size))  # JPEG only: decodes at a reduced size
        picture.load()
        longer_side = max(width, height)
        thumbnail = _flatten(picture) if longer_side > THUMBNAIL_SIZES_PIXELS[0] else picture
    thumbnails: dict[int, bytes] = {}
    for size in reversed(THUMBNAIL_SIZES_PIXELS):
        if size < longer_side:
            thumbnail.thumbnail((size, size))  # each is made from the next larger one
            thumbnails[size] = _encode_jpeg(thumbnail)
    return thumbnails


def _flatten(picture: Image.Image) -> Image.Image:
    """Return the picture upright, on white where it is transparent, no larger than the largest thumbnail."""
    if picture.mode not in {"L", "RGB", "RGBA"}:
        picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    picture.thumbnail((THUMBNAIL_SIZES_PIXELS[-1], THUMBNAIL_SIZES_PIXELS[-1]))
    upright = ImageOps.exif_transpose(picture)
    if upright.mode != "RGBA":
        return upright
    white = Image.new("RGB", upright.size, "white")
    white.paste(upright, mask=upright.getchannel("A"))
    return white


def _encode_jpeg(picture: Image.Image) -> bytes:
    output = io.BytesIO()
    picture.save(output, "JPEG", quality=_JPEG_QUALITY, optimize=True)
    return output.getvalue()
