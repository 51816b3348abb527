"""Untrusted pictures: whether they can be shown, and their thumbnails."""

import io
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from soniquebay.audio.picture_decoding import UnusablePictureError, decode_reduced
from soniquebay.audio.picture_format import MAX_PICTURE_BYTES, THUMBNAIL_SIZES_PIXELS, media_type

MAX_FILE_BYTES = 96 * 1024 * 1024  # of a picture of which only a smaller copy is kept: 5000 x 5000 of 4 bytes
COPY_SIZE_PIXELS = 1600  # of the longer side of such a copy

_JPEG_QUALITY, _COPY_QUALITY, _WEBP_QUALITY = 85, 90, 80
_WEBP_METHOD = 2  # libwebp's effort, of 0 to 6: 4 takes twice the time for 4 % fewer bytes
_HEAD_BYTES = 512  # enough for `media_type`
# No browser shows these. A copy takes the place of the original.
_COPIED_KINDS = (b"BM", b"II*\0", b"MM\0*")  # BMP, TIFF
_STREAMED_KINDS = (b"\xff\xd8\xff", b"\x89PNG", *_COPIED_KINDS)  # Pillow holds any other file in memory
_JPEG_XL = (b"\xff\x0a", b"\0\0\0\x0cJXL ")


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that was decoded without an error.

    `data` and `media_type` are the original, or a JPEG in its place if browsers do not show it or it is too large.
    `thumbnails` are JPEG, `webp_thumbnails` WebP, by their size in pixels.
    """

    data: bytes
    media_type: str
    thumbnails: dict[int, bytes] = field(default_factory=dict)
    webp_thumbnails: dict[int, bytes] = field(default_factory=dict)


def decode_picture(data: bytes) -> Picture:
    """Decode a picture and make the thumbnails of `THUMBNAIL_SIZES_PIXELS` that are smaller than it.

    Raises `UnusablePictureError` when the data is larger than `MAX_PICTURE_BYTES`, is of an unknown kind, is damaged,
    or would take too much memory.
    """
    kind = _kind(data[:_HEAD_BYTES])
    if len(data) > MAX_PICTURE_BYTES:
        raise UnusablePictureError(f"too large: {len(data)} bytes, the limit is {MAX_PICTURE_BYTES}")
    return _picture(io.BytesIO(data), data if kind else None, kind)


def read_picture(path: Path) -> Picture:
    """Read and decode the picture in a file, like `decode_picture`; the file may have up to `MAX_FILE_BYTES`.

    Raises `UnusablePictureError`, and ``OSError`` when the file cannot be read.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size <= MAX_PICTURE_BYTES:
            return decode_picture(file.read(MAX_PICTURE_BYTES + 1))  # one more: it may have grown
        head = file.read(_HEAD_BYTES)
        _kind(head)
        if size > MAX_FILE_BYTES or not head.startswith(_STREAMED_KINDS):
            limit = MAX_FILE_BYTES if head.startswith(_STREAMED_KINDS) else MAX_PICTURE_BYTES
            raise UnusablePictureError(f"too large: {size} bytes, the limit is {limit}")
        file.seek(0)
        return _picture(file, None, None)


def _kind(head: bytes) -> str | None:
    """Return the media type; None for a kind of which a copy is made. Raises `UnusablePictureError` for any other."""
    kind = media_type(head)
    if kind is None and not head.startswith(_COPIED_KINDS):
        reason = "JPEG XL is not supported" if head.startswith(_JPEG_XL) else "not a picture of a supported kind"
        raise UnusablePictureError(reason)
    return kind


def _picture(source: BinaryIO, data: bytes | None, kind: str | None) -> Picture:
    """Decode a picture; `data` and `kind` are the original if it is kept."""
    is_copied = data is None or kind is None
    decoded, longer_side = decode_reduced(source, COPY_SIZE_PIXELS if is_copied else THUMBNAIL_SIZES_PIXELS[-1])
    if data is None or kind is None:
        data, kind = _encode_jpeg(decoded, _COPY_QUALITY), "image/jpeg"
    picture = Picture(data, kind)
    for size in reversed(THUMBNAIL_SIZES_PIXELS):
        if size < longer_side:
            decoded.thumbnail((size, size))  # each is made from the next larger one
            picture.thumbnails[size] = _encode_jpeg(decoded, _JPEG_QUALITY)
            picture.webp_thumbnails[size] = _encode_webp(decoded)
    return picture


def _encode_jpeg(picture: Image.Image, quality: int) -> bytes:
    output = io.BytesIO()
    picture.save(output, "JPEG", quality=quality, optimize=True)
    return output.getvalue()


def _encode_webp(picture: Image.Image) -> bytes:
    output = io.BytesIO()
    picture.save(output, "WEBP", quality=_WEBP_QUALITY, method=_WEBP_METHOD)
    return output.getvalue()
