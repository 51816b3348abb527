"""Kinds, sizes and limits of pictures, for code that needs no image decoder."""

MAX_PICTURE_BYTES = 16 * 1024 * 1024
THUMBNAIL_SIZES_PIXELS = (160, 320, 640)  # of the longer side, in ascending order
# By their suffix. Every thumbnail is stored in each kind: WebP is smaller, and every client shows JPEG.
THUMBNAIL_MEDIA_TYPES = {".webp": "image/webp", ".jpg": "image/jpeg"}

_AVIF_BRANDS = frozenset({b"avif", b"avis"})


def media_type(data: bytes) -> str | None:
    """Return the media type of a picture by its first bytes; None if it is not a kind that every browser shows."""
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[:6] in {b"GIF87a", b"GIF89a"}:
        return "image/gif"
    # ISO base media file format: the brands are in the box "ftyp", the major one first.
    if data[4:8] == b"ftyp" and not _AVIF_BRANDS.isdisjoint(_brands(data)):
        return "image/avif"
    return None


def _brands(data: bytes) -> list[bytes]:
    end = min(int.from_bytes(data[:4], "big"), 256)  # real files have a handful of brands
    return [data[i : i + 4] for i in (8, *range(16, end, 4))]
