"""Pictures of every kind become the right thumbnails: the pixels are looked at."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from soniquebay.audio import picture_decoding
from soniquebay.audio.picture_decoding import UnusablePictureError
from soniquebay.audio.picture_format import MAX_PICTURE_BYTES, media_type
from soniquebay.audio.pictures import decode_picture, read_picture

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
GREY = (128, 128, 128)


def quarters(mode: str = "RGB", side: int = 900) -> Image.Image:
    """Return a picture that is red and green above blue and white."""
    image = Image.new("RGB", (side, side), "red")
    half = side // 2
    for colour, corner in (("lime", (half, 0)), ("blue", (0, half)), ("white", (half, half))):
        image.paste(colour, (*corner, corner[0] + half, corner[1] + half))
    return image.convert(mode)


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    output = io.BytesIO()
    image.save(output, kind, **options)
    return output.getvalue()


def corners(data: bytes) -> list[tuple[int, ...]]:
    """Return the colours in the middle of the four quarters, from the left above to the right below."""
    with Image.open(io.BytesIO(data)) as image:
        rgb, (width, height) = image.convert("RGB"), image.size
        places = [(x, y) for y in (height // 4, 3 * height // 4) for x in (width // 4, 3 * width // 4)]
        return [pixel for place in places if isinstance(pixel := rgb.getpixel(place), tuple)]


def is_near(colours: list[tuple[int, ...]], expected: list[tuple[int, ...]]) -> bool:
    return len(colours) == len(expected) and all(
        abs(value - wanted) < 12
        for colour, other in zip(colours, expected, strict=True)
        for value, wanted in zip(colour, other, strict=True)
    )


def assert_shows(data: bytes, *expected: tuple[int, ...]) -> None:
    picture = decode_picture(data)
    assert sorted(picture.thumbnails) == sorted(picture.webp_thumbnails) == [160, 320, 640]
    for thumbnails, kind in ((picture.thumbnails, "image/jpeg"), (picture.webp_thumbnails, "image/webp")):
        for size, thumbnail in thumbnails.items():
            with Image.open(io.BytesIO(thumbnail)) as image:
                assert (max(image.size), media_type(thumbnail)) == (size, kind)
            assert is_near(corners(thumbnail), list(expected)), corners(thumbnail)


def interlaced(image: Image.Image) -> bytes:
    """Return a picture as an interlaced PNG (Adam7), which Pillow does not write."""
    rows = bytearray()
    for x0, y0, dx, dy in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)):  # fmt: skip  # noqa: E501
        for y in range(y0, image.height, dy):
            row = image.crop((0, y, image.width, y + 1)).tobytes()
            pixels = [row[3 * x : 3 * x + 3] for x in range(x0, image.width, dx)]
            rows += b"\0" + b"".join(pixels)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", image.width, image.height, 8, 2, 0, 0, 1)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(rows))) + chunk(b"IEND", b"")
    )


def multi_picture() -> bytes:
    return encode(quarters(), "MPO", save_all=True, append_images=[quarters().rotate(180)])


def apng() -> bytes:
    return encode(quarters(), "PNG", save_all=True, append_images=[quarters().rotate(180)])


OPAQUE = {
    "JPEG": lambda: encode(quarters(), "JPEG"),
    "CMYK JPEG": lambda: encode(quarters("CMYK"), "JPEG"),
    "progressive JPEG": lambda: encode(quarters(), "JPEG", progressive=True),
    "JPEG of two pictures, as cameras write them": multi_picture,
    "PNG": lambda: encode(quarters(), "PNG"),
    "interlaced PNG": lambda: interlaced(quarters()),
    "animated PNG": apng,
    "palette PNG": lambda: encode(quarters("P"), "PNG"),
    "GIF": lambda: encode(quarters("P"), "GIF"),
    "animated GIF": lambda: encode(quarters(), "GIF", save_all=True, append_images=[quarters().rotate(180)]),
    "WebP": lambda: encode(quarters(), "WEBP"),
    "animated WebP": lambda: encode(quarters(), "WEBP", save_all=True, append_images=[quarters().rotate(180)]),
    "AVIF": lambda: encode(quarters(), "AVIF", speed=10),
    "BMP": lambda: encode(quarters(), "BMP"),
    "TIFF": lambda: encode(quarters(), "TIFF", compression="tiff_lzw"),
}


@pytest.mark.parametrize("kind", OPAQUE)
def test_thumbnails_have_the_colours_of_the_picture(kind: str) -> None:
    assert_shows(OPAQUE[kind](), RED, GREEN, BLUE, WHITE)


@pytest.mark.parametrize(("kind", "side"), [("WEBP", 3400), ("AVIF", 3400), ("PNG", 5000)])
def test_a_large_picture_has_the_same_colours(kind: str, side: int) -> None:
    options: dict[str, Any] = {"WEBP": {"method": 0}, "AVIF": {"speed": 10}, "PNG": {"compress_level": 1}}[kind]
    assert_shows(encode(quarters(side=side), kind, **options), RED, GREEN, BLUE, WHITE)


def test_a_16_bit_picture_keeps_its_shades() -> None:
    image = Image.new("I;16", (900, 900), 0x8080)
    image.paste(0xFFFF, (450, 450, 900, 900))
    assert_shows(encode(image, "PNG"), GREY, GREY, GREY, WHITE)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "TIFF", "large WebP"])
def test_what_is_transparent_becomes_white(kind: str) -> None:
    image = quarters("RGBA", 3400 if kind == "large WebP" else 900)
    half = image.width // 2
    image.paste((0, 0, 0, 0), (half, 0, 2 * half, half))
    assert_shows(encode(image, kind.removeprefix("large ")), RED, WHITE, BLUE, WHITE)


def test_a_transparent_colour_of_a_palette_becomes_white() -> None:
    image = quarters("P")
    assert_shows(encode(image, "PNG", transparency=image.getpixel((899, 0))), RED, WHITE, BLUE, WHITE)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "large WebP"])
def test_a_picture_is_turned_as_its_orientation_says(kind: str) -> None:
    # What a camera stores for each value of the tag, so that the picture is upright: EXIF 2.32, section 4.6.4.
    stored = {
        1: None, 2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }  # fmt: skip
    large = kind == "large WebP"
    for orientation in (6,) if large else stored:
        exif = Image.Exif()
        exif[0x0112] = orientation
        image, method = quarters(side=3400 if large else 900), stored[orientation]
        data = encode(image if method is None else image.transpose(method), kind.removeprefix("large "), exif=exif)
        assert_shows(data, RED, GREEN, BLUE, WHITE)


def test_a_long_picture_keeps_its_shape() -> None:
    picture = decode_picture(encode(Image.new("RGB", (9000, 30), "red"), "JPEG"))
    with Image.open(io.BytesIO(picture.thumbnails[640])) as image:
        assert image.size == (640, 2)


def test_a_jpeg_whose_components_come_one_after_another_is_refused_when_it_is_large() -> None:
    data = bytearray(encode(Image.new("RGB", (7000, 7000), "red"), "JPEG", subsampling=0))
    decode_picture(bytes(data))
    start_of_scan = data.index(b"\xff\xda")
    data[start_of_scan + 4] = 1  # the number of components of the first scan
    with pytest.raises(UnusablePictureError, match="too many pixels: 7000 x 7000"):
        decode_picture(bytes(data))


@pytest.mark.parametrize("kind", ["BMP", "TIFF"])
def test_a_kind_that_no_browser_shows_is_kept_as_a_jpeg(kind: str) -> None:
    picture = decode_picture(
        encode(quarters(side=2000), kind, **({"compression": "packbits"} if kind == "TIFF" else {}))
    )
    assert picture.media_type == media_type(picture.data) == "image/jpeg"
    with Image.open(io.BytesIO(picture.data)) as image:
        assert image.size == (1600, 1600)
    assert is_near(corners(picture.data), [RED, GREEN, BLUE, WHITE])


def test_an_avif_is_kept_as_it_is() -> None:
    data = encode(quarters(), "AVIF", speed=10)
    assert (decode_picture(data).data, decode_picture(data).media_type) == (data, "image/avif")


@pytest.mark.parametrize("data", [b"\xff\x0a" + bytes(99), b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(99)])
def test_jpeg_xl_is_told_as_not_supported(data: bytes) -> None:
    with pytest.raises(UnusablePictureError, match="JPEG XL is not supported"):
        decode_picture(data)


def test_of_a_very_large_file_a_smaller_copy_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "scan.png"
    file.write_bytes(encode(quarters(side=2400), "PNG", compress_level=0))
    assert file.stat().st_size > MAX_PICTURE_BYTES
    picture = read_picture(file)
    assert picture.media_type == "image/jpeg"
    assert len(picture.data) < 200_000
    assert is_near(corners(picture.data), [RED, GREEN, BLUE, WHITE])
    with pytest.raises(UnusablePictureError, match="too large"):
        decode_picture(file.read_bytes())


def test_a_file_of_a_kind_that_has_to_be_held_in_memory_has_the_lower_limit(tmp_path: Path) -> None:
    file = tmp_path / "cover.webp"
    file.write_bytes(encode(quarters(), "WEBP") + bytes(MAX_PICTURE_BYTES))
    with pytest.raises(UnusablePictureError, match=f"the limit is {MAX_PICTURE_BYTES}"):
        read_picture(file)


def test_a_tiff_whose_strip_takes_as_much_memory_as_the_picture_is_refused() -> None:
    data = encode(Image.new("RGB", (4600, 4600)), "TIFF", compression="tiff_lzw", strip_size=2**31 - 1)
    with pytest.raises(UnusablePictureError, match="too many pixels"):
        decode_picture(data)


def test_what_pretends_to_be_a_picture_reaches_no_other_demuxer(tmp_path: Path) -> None:
    """A film in Matroska, which Pillow would have taken for an AVIF."""
    with av.open(str(tmp_path / "film.mkv"), "w") as film:
        stream = film.add_stream("ffv1", rate=25, width=64, height=64, pix_fmt="yuv420p")
        film.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8))))
        film.mux(stream.encode())
    pretended = Image.new("RGB", (64, 64))
    pretended.format = "AVIF"
    with pytest.raises(av.FFmpegError):
        picture_decoding._decode_with_ffmpeg(io.BytesIO((tmp_path / "film.mkv").read_bytes()), pretended, 64)
