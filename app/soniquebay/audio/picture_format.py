"""Kinds, sizes and limits of pictures, for code that needs no image decoder."""

MAX_PICTURE_BYTES = 16 * 1024 * 1024
THUMBNAIL_SIZES_PIXELS = (160, 320, 640)  # of the longer side, in ascending order
THUMBNAIL_MEDIA_TYPE = "image/jpeg"


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
    return None
