"""Decoding of untrusted pictures at a reduced size, within a limit of memory."""

import io
import struct
import warnings
from collections.abc import Callable
from typing import BinaryIO

import av
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

MAX_DECODING_BYTES = 160 * 1024 * 1024  # for one picture, in a child process of up to 500 MB
MAX_PIXELS = 64_000_000  # of any picture, because decoding takes time even where it takes little memory

# Pillow's names of formats, for those whose picture is one array: the bytes that the decoder takes for each pixel
# beside that array, as measured.
_DECODER_BYTES_PER_PIXEL = {"PNG": 0.2, "GIF": 1.0, "BMP": 0.2, "TIFF": 0.2}
_FORMATS = ("JPEG", "WEBP", "AVIF", *_DECODER_BYTES_PER_PIXEL)
# Pillow decodes these in full, with two canvases and two copies. FFmpeg takes over where that would be too much.
_PILLOW_BYTES_PER_PIXEL = {"WEBP": 16.1, "AVIF": 16.1}
_FFMPEG_WEBP_BYTES_PER_PIXEL = 6.65  # with transparency, which is a picture of its own; else 2.7
_FFMPEG_BYTES_PER_PIXEL_BESIDE_FRAME = 2.0
# FFmpeg looks at the bytes anew, and would take a file that pretends to be a picture to any of its demuxers.
_FFMPEG_DEMUXERS = {"WEBP": "webp_pipe", "AVIF": "mov"}
_BASELINE_JPEG_BYTES_PER_PIXEL = 0.1
_COEFFICIENT_BYTES = 2  # libjpeg's JCOEF
_MAX_DRAFT_SCALE = 8  # the smallest size that libjpeg decodes at is an eighth

_ORIENTATION_TAG = 0x0112
# EXIF 2.32, section 4.6.4 "Orientation": what has to be done with the stored picture.
_TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_STRIP_PIXELS = 1_000_000  # converted at a time
_TIFF_ROWS_PER_STRIP, _TIFF_TILE_WIDTH, _TIFF_TILE_LENGTH = 278, 322, 323


class UnusablePictureError(Exception):
    """The data is not a picture that can be shown. The text is the reason."""


def decode_reduced(source: BinaryIO, size: int) -> tuple[Image.Image, int]:
    """Decode a picture no larger than needed for `size` pixels on its longer side.

    Of an animation it is the first frame. Returns the picture, upright, in mode L or RGB and on white where it is
    transparent, and the number of pixels on the longer side of the original. The picture has at most `size` pixels
    there.

    Raises `UnusablePictureError` when the picture is damaged, or would take too much memory or time.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of odd pictures that it can show, and of its own size limit
            with Image.open(source, formats=_FORMATS) as picture:
                longer_side = max(picture.size)
                reduced, orientation = _decode(picture, source, size)
            reduced.thumbnail((size, size))
            return _on_white(_upright(reduced, orientation)), longer_side
    except UnusablePictureError:
        raise
    except (Exception, MemoryError) as error:
        # Decoders raise all kinds of errors on damaged data; whichever it is, the picture is skipped.
        raise UnusablePictureError(f"cannot be decoded: {type(error).__name__}: {error}") from error


def _decode(picture: Image.Image, source: BinaryIO, size: int) -> tuple[Image.Image, int]:
    """Return the reduced picture and its EXIF orientation."""
    width, height = picture.size  # from the header; nothing is decoded yet
    if width * height > MAX_PIXELS:
        raise UnusablePictureError(f"too many pixels: {width} x {height}")
    whole_by_pillow = _PILLOW_BYTES_PER_PIXEL.get(picture.format or "")
    if whole_by_pillow and whole_by_pillow * width * height > MAX_DECODING_BYTES:
        return _decode_with_ffmpeg(source, picture, size), _orientation(picture)
    if isinstance(picture, JpegImageFile):
        _draft(picture, size)
    else:
        _check_memory(picture.size, whole_by_pillow or _bytes_per_pixel(picture))
    picture.load()
    return _reduce(picture, size), _orientation(picture)


def _check_memory(size: tuple[int, int], bytes_per_pixel: float) -> None:
    if size[0] * size[1] * bytes_per_pixel > MAX_DECODING_BYTES:
        raise UnusablePictureError(f"too many pixels: {size[0]} x {size[1]}")


def _draft(picture: JpegImageFile, size: int) -> None:
    """Have a JPEG decoded at the smallest of libjpeg's scales that has at least `size` pixels on the longer side."""
    full = picture.size
    coefficients = _COEFFICIENT_BYTES * _samples_per_pixel(picture) if _is_read_in_scans(picture) else 0.0
    scale = max(1, min(_MAX_DRAFT_SCALE, max(full) // size))
    picture.draft(None, (max(1, full[0] // scale), max(1, full[1] // scale)))
    decoded_bytes = _pixel_bytes(picture.mode) * picture.width * picture.height
    # All scans of a picture are kept in full, however small it is decoded.
    _check_memory(full, coefficients + _BASELINE_JPEG_BYTES_PER_PIXEL + decoded_bytes / (full[0] * full[1]))


def _samples_per_pixel(picture: JpegImageFile) -> float:
    factors = [(horizontal, vertical) for _, horizontal, vertical, _ in picture.layer]
    largest = max(h for h, _ in factors) * max(v for _, v in factors)
    return sum(h * v for h, v in factors) / largest


def _is_read_in_scans(picture: JpegImageFile) -> bool:
    """Tell whether a JPEG is progressive, or has its components one after another."""
    if picture.info.get("progressive"):
        return True
    if picture.fp is None:
        return True
    # Pillow has read up to the end of the first scan header. ITU T.81, section B.2.3: it begins with its length and its
    # number of components, and has two bytes for each of them.
    whole = struct.pack(">HB", 6 + 2 * picture.layers, picture.layers)
    position = picture.fp.tell()
    picture.fp.seek(max(0, position - 6 - 2 * picture.layers))
    header = picture.fp.read(len(whole))
    picture.fp.seek(position)
    return header != whole


def _pixel_bytes(mode: str) -> int:
    """Return the bytes of a pixel in Pillow's memory."""
    if mode in {"1", "L", "P"}:
        return 1
    return 2 if mode.startswith("I;16") else 4


def _bytes_per_pixel(picture: Image.Image) -> float:
    """Return the most bytes that decoding takes for each pixel."""
    result = _pixel_bytes(picture.mode) + _DECODER_BYTES_PER_PIXEL[picture.format or ""]
    if picture.format == "TIFF":
        return result + _tiff_strip_bytes_per_pixel(picture)
    if picture.format == "PNG" and getattr(picture, "is_animated", False):
        return 2 * result
    return result


def _tiff_strip_bytes_per_pixel(picture: Image.Image) -> float:
    """Return how much libtiff's buffer of one strip or tile adds to each pixel."""
    width, height = picture.size
    if picture.info.get("compression") == "raw":
        return 0.0  # Pillow reads it without libtiff
    tags: dict[int, int] = picture.tag_v2  # type: ignore[attr-defined]
    if tags.get(_TIFF_TILE_WIDTH):
        pixels = tags[_TIFF_TILE_WIDTH] * tags.get(_TIFF_TILE_LENGTH, height)
    else:
        pixels = width * min(tags.get(_TIFF_ROWS_PER_STRIP, height), height)
    return _pixel_bytes(picture.mode) * pixels / (width * height)


def _reduce(picture: Image.Image, size: int) -> Image.Image:
    """Return a decoded picture in mode L, RGB or RGBA, averaged to less than twice `size` on its longer side.

    It is converted strip by strip, so that no second picture of the full size is ever in memory.
    """
    width, height = picture.size
    factor = max(1, max(picture.size) // size)
    mode, convert = _conversion(picture)
    if factor == 1 and mode == picture.mode:
        return picture
    result = Image.new(mode, (-(-width // factor), -(-height // factor)))
    rows = max(1, _STRIP_PIXELS // width // factor) * factor
    for top in range(0, height, rows):
        strip = convert(picture.crop((0, top, width, min(top + rows, height))))
        result.paste(strip.reduce(factor), (0, top // factor))
    return result


def _conversion(picture: Image.Image) -> tuple[str, Callable[[Image.Image], Image.Image]]:
    """Return the mode that a picture is shown in, and the function that converts a strip of it."""
    if picture.mode.startswith("I;16"):
        return "L", lambda strip: strip.point(lambda value: value * (1 / 256)).convert("L")  # convert() alone clips
    if picture.has_transparency_data:
        return "RGBA", lambda strip: strip.convert("RGBA")
    mode = "L" if picture.mode in {"1", "L", "I", "F"} else "RGB"
    return mode, lambda strip: strip.convert(mode)


def _decode_with_ffmpeg(source: BinaryIO, picture: Image.Image, size: int) -> Image.Image:
    """Decode a large WebP or AVIF: FFmpeg keeps its luma and chroma as they are stored, and reduces those."""
    full = picture.size
    if picture.format == "WEBP":
        _check_memory(full, _FFMPEG_WEBP_BYTES_PER_PIXEL)
    source.seek(0)
    options = {"format_whitelist": _FFMPEG_DEMUXERS[str(picture.format)]}
    with av.open(io.BytesIO(source.read()), "r", options=options) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        context.thread_count = 1  # each thread has frames of its own
        if (context.width, context.height) != full:
            raise UnusablePictureError("too large for a picture that is put together from tiles")
        if picture.format == "AVIF":
            frame_bytes = context.format.padded_bits_per_pixel / 8 if context.format else 8.0
            _check_memory(full, frame_bytes + _FFMPEG_BYTES_PER_PIXEL_BESIDE_FRAME)
        frame = next(iter(container.decode(stream)))
        scale = max(1, max(full) // (2 * size))
        small = frame.reformat(
            width=max(1, full[0] // scale), height=max(1, full[1] // scale), format="rgba", interpolation="AREA"
        )
    return Image.fromarray(small.to_ndarray())


def _orientation(picture: Image.Image) -> int:
    return int(picture.getexif().get(_ORIENTATION_TAG, 1))


def _upright(picture: Image.Image, orientation: int) -> Image.Image:
    transposition = _TRANSPOSITIONS.get(orientation)
    return picture if transposition is None else picture.transpose(transposition)


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.mode != "RGBA":
        return picture
    white = Image.new("RGB", picture.size, "white")
    white.paste(picture, mask=picture.getchannel("A"))
    return white
