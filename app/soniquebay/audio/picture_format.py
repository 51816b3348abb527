"""What is a picture here: limits and kinds, for programs that have no need of a decoder."""

LARGEST = 16 * 1024 * 1024  # bytes; a larger picture is no cover
SIZES = (160, 320, 640)  # pixels of a thumbnail's longer side, smallest first
THUMBNAIL_TYPE = "image/jpeg"


def media_type(data: bytes) -> str | None:
    """Tell a picture's media type from its first bytes; None if it is no picture a browser shows."""
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[:6] in {b"GIF87a", b"GIF89a"}:
        return "image/gif"
    return None
