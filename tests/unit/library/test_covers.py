"""Covers: pictures of every kind, intact or damaged, are stored once and returned in the requested size."""

import io
import os
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pytest
from PIL import Image

from soniquebay.audio.picture_format import MAX_PICTURE_BYTES, THUMBNAIL_SIZES_PIXELS
from soniquebay.audio.pictures import UnusablePictureError, decode_picture
from soniquebay.library import covers
from soniquebay.library.database import Database
from tests.support.audio_files import png


def encode_picture(kind: str, side: tuple[int, int] = (900, 450), mode: str = "RGB", **options: object) -> bytes:
    output = io.BytesIO()
    Image.new(mode, side, 40 if mode in {"P", "L"} else "orange" if mode == "RGB" else None).save(
        output, kind, **options
    )
    return output.getvalue()


def peak_memory() -> int:
    """Return the peak resident memory of this process, in KiB."""
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])


def open_picture(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@pytest.mark.parametrize(
    ("data", "media_type"),
    [(encode_picture("JPEG"), "image/jpeg"), (encode_picture("JPEG", mode="CMYK"), "image/jpeg"),
     (encode_picture("JPEG", mode="L", progressive=True), "image/jpeg"), (encode_picture("PNG"), "image/png"),
     (encode_picture("PNG", mode="RGBA"), "image/png"), (encode_picture("PNG", mode="I;16"), "image/png"),
     (encode_picture("PNG", mode="P", transparency=40), "image/png"), (encode_picture("PNG", mode="1"), "image/png"),
     (encode_picture("PNG", mode="LA"), "image/png"), (encode_picture("GIF", mode="P"), "image/gif"),
     (encode_picture("WEBP"), "image/webp")],
)  # fmt: skip
def test_every_kind_of_picture_gets_thumbnails(data: bytes, media_type: str) -> None:
    picture = decode_picture(data)
    assert (picture.data, picture.media_type) == (data, media_type)
    assert sorted(picture.thumbnails) == list(THUMBNAIL_SIZES_PIXELS)
    for size, small in picture.thumbnails.items():
        image = open_picture(small)
        assert (image.format, image.size) == ("JPEG", (size, size // 2))


def test_no_thumbnail_is_larger_than_the_picture() -> None:
    assert decode_picture(png()).thumbnails == {}
    assert sorted(decode_picture(encode_picture("PNG", (320, 100))).thumbnails) == [160]


def test_a_thumbnail_is_upright_and_on_white() -> None:
    image = Image.new("RGB", (800, 400), "red")
    exif = Image.Exif()
    exif[0x0112] = 6  # rotated by 90 degrees
    output = io.BytesIO()
    image.save(output, "JPEG", exif=exif)
    assert open_picture(decode_picture(output.getvalue()).thumbnails[160]).size == (80, 160)
    clear = open_picture(decode_picture(encode_picture("PNG", mode="RGBA")).thumbnails[160])
    assert min(clear.getpixel((80, 40))) > 250  # type: ignore[type-var, arg-type]


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_bomb(side: int = 30_000) -> bytes:
    rows = zlib.compress((b"\0" + b"\0" * (side // 8)) * side, 9)
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def webp_bomb() -> bytes:
    """Return a WebP whose header states 16,383 by 16,383 pixels."""
    small = encode_picture("WEBP", (16, 16))
    size = (16382).to_bytes(3, "little")
    body = b"WEBP" + b"VP8X" + struct.pack("<I", 10) + bytes(4) + size + size + small[12:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


JPEG = encode_picture("JPEG")
DAMAGED = {
    "text": b"no picture at all", "nothing": b"", "signature alone": b"\x89PNG\r\n\x1a\n",
    "cut JPEG": JPEG[: len(JPEG) // 2], "cut header": JPEG[:20], "noise": b"\xff\xd8\xff" + os.urandom(4000),
    "cut PNG": encode_picture("PNG")[:-300], "cut WebP": encode_picture("WEBP")[:60],
    "noise in a GIF": b"GIF89a" + os.urandom(500),
    "PNG bomb": png_bomb(), "WebP bomb": webp_bomb(), "many pixels": encode_picture("PNG", (5000, 5000), "1"),
    "progressive": encode_picture("JPEG", (9000, 9000), "L", progressive=True),
    "too large": b"\xff\xd8\xff" + bytes(MAX_PICTURE_BYTES),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGED)
def test_a_picture_that_cannot_be_shown_is_refused_with_a_reason(name: str) -> None:
    Path("/proc/self/clear_refs").write_text("5")  # reset the peak
    before = peak_memory()
    with pytest.raises(UnusablePictureError, match=r"\w{3}"):
        decode_picture(DAMAGED[name])
    assert peak_memory() - before < 64 * 1024


@pytest.mark.parametrize("kind", ["pjpeg", "png", "webp", "gif"])
def test_the_largest_accepted_picture_stays_within_the_memory_limit(tmp_path: Path, kind: str) -> None:
    """Decode it in a process of its own, whose peak includes nothing else."""
    side = {"pjpeg": 7200, "png": 4200, "webp": 3100, "gif": 4200}[kind]
    file = tmp_path / "picture"
    if kind == "pjpeg":
        noise = Image.effect_noise((side, side), 20).convert("RGB")
        noise.save(file, "JPEG", progressive=True, quality=30)
    else:
        mode = "P" if kind == "gif" else "RGBA"
        Image.new(mode, (side, side)).save(file, kind.upper(), **({"method": 0} if kind == "webp" else {}))
    code = (
        "import sys; from pathlib import Path; from soniquebay.audio.pictures import decode_picture;"
        "data = Path(sys.argv[1]).read_bytes();"
        "peak = lambda: int(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0]);"
        "before = peak(); assert len(decode_picture(data).thumbnails) == 3; print(peak() - before)"
    )
    used = int(subprocess.run([sys.executable, "-c", code, file], check=True, capture_output=True, text=True).stdout)
    print(f"{kind}: {used // 1024} MB")
    assert 30 * 1024 < used < 200 * 1024  # KiB


def test_the_same_picture_is_stored_once(tmp_path: Path) -> None:
    database = Database(tmp_path / "library.db")
    database.migrate()
    folder = tmp_path / "covers"
    with database.transaction() as db:
        db.execute("INSERT INTO artists (name, normalised_name) VALUES ('A', 'a')")
        db.executemany(
            "INSERT INTO albums (title, normalised_title, artist_id, credit) VALUES (?, ?, 1, 'A')",
            [("X", "x"), ("Y", "y")],
        )
        for album in (1, 2):
            assert covers.store(db, folder, album, b"picture", "image/png")
        covers.write_picture(folder, covers.digest_of(b"picture"), b"small", 160)
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    assert [file.read_bytes() for file in files] == [b"picture", b"small"]
    # Once no album shows the first picture any more it is deleted, but not while it is new.
    with database.transaction() as db:
        assert covers.store(db, folder, 1, b"another", "image/png")
        assert covers.delete_unused(db, folder) == 0
        make_old(folder)
        assert covers.delete_unused(db, folder) == 0
        assert covers.store(db, folder, 2, b"another", "image/png")
        make_old(folder)
        assert covers.delete_unused(db, folder) == 2
    assert [file.read_bytes() for file in folder.rglob("*") if file.is_file()] == [b"another"]


def make_old(folder: Path) -> None:
    for file in folder.rglob("*"):
        os.utime(file, (time.time() - 7200,) * 2)


def test_the_smallest_sufficient_thumbnail_is_returned(tmp_path: Path) -> None:
    cover = covers.Cover(covers.digest_of(b"original"), "image/png")
    assert covers.find_file(tmp_path, cover, None) is None
    covers.write_picture(tmp_path, cover.digest, b"original")
    for size in (160, 320):  # the original has 400 pixels
        covers.write_picture(tmp_path, cover.digest, str(size).encode(), size)
    chosen = {size: covers.find_file(tmp_path, cover, size) for size in (1, 160, 161, 320, 321, 640, 4096, None)}
    assert {size: found[0].read_bytes() for size, found in chosen.items() if found} == {
        1: b"160", 160: b"160", 161: b"320", 320: b"320", 321: b"original", 640: b"original", 4096: b"original",
        None: b"original"}  # fmt: skip
    assert {found[1] for found in chosen.values() if found} == {"image/jpeg", "image/png"}


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "A" * 64, "a" * 63])
def test_only_a_sha256_digest_names_a_picture(tmp_path: Path, digest: str) -> None:
    with pytest.raises(ValueError, match="SHA-256"):
        covers.picture_path(tmp_path, digest)


def test_a_new_track_with_a_picture_has_the_album_checked_again(tmp_path: Path) -> None:
    database = Database(tmp_path / "library.db")
    database.migrate()
    insert = (
        "INSERT INTO tracks (title, artist_id, album_id, duration, format, has_picture, added_at, path, size, mtime_ns)"
        " VALUES ('t', 1, 1, 1.0, 'MP3', ?, 0, hex(randomblob(8)), 1, 1)"
    )
    with database.transaction() as db:
        db.execute("INSERT INTO artists (name, normalised_name) VALUES ('A', 'a')")
        db.execute(
            "INSERT INTO albums (title, normalised_title, artist_id, credit, cover_checked) "
            "VALUES ('X', 'x', 1, 'A', 1)"
        )
        db.execute(insert, (0,))
        assert db.execute("SELECT cover_checked FROM albums").fetchone()[0] == 1
        db.execute(insert, (1,))
        assert db.execute("SELECT cover_checked FROM albums").fetchone()[0] == 0
        covers.store(db, tmp_path, 1, b"picture", "image/png")
        assert covers.has_cover(db, 1)
        db.execute(insert, (1,))
        assert covers.has_cover(db, 1)
        assert not covers.has_cover(db, 2)
