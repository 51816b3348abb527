"""Covers: pictures of every kind, intact or damaged, are stored once and returned in the requested size."""

import io
import os
import sqlite3
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from soniquebay.audio.picture_decoding import UnusablePictureError
from soniquebay.audio.picture_format import MAX_PICTURE_BYTES, THUMBNAIL_SIZES_PIXELS
from soniquebay.audio.pictures import decode_picture
from soniquebay.library import artist_pictures, covers, folder_pictures, queries
from soniquebay.library.database import Database
from tests.support.audio_files import png
from tests.unit import songs


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
    "PNG bomb": png_bomb(), "WebP bomb": webp_bomb(), "many pixels": encode_picture("PNG", (10_000, 10_000), "1"),
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


PROGRESSIVE = {"progressive": True, "quality": 30}
LARGE = {
    "progressive JPEG": ("JPEG", "RGB", 7200, PROGRESSIVE),
    "progressive JPEG with all its colours": ("JPEG", "RGB", 5000, {**PROGRESSIVE, "subsampling": 0}),
    "RGB PNG": ("PNG", "RGB", 5000, {"compress_level": 1}),
    "RGBA PNG": ("PNG", "RGBA", 5000, {"compress_level": 1}),
    "palette PNG": ("PNG", "P", 5000, {"compress_level": 1, "transparency": 1}),
    "16-bit PNG": ("PNG", "I;16", 5000, {"compress_level": 1}),
    "WebP": ("WEBP", "RGB", 5000, {"method": 0}),
    "WebP decoded by Pillow": ("WEBP", "RGB", 3200, {"method": 0}),
    "GIF": ("GIF", "P", 5000, {}),
    "AVIF": ("AVIF", "RGB", 5000, {"speed": 10}),
    "AVIF decoded by Pillow": ("AVIF", "RGBA", 3200, {"speed": 10, "subsampling": "4:4:4"}),
    "BMP": ("BMP", "RGB", 5000, {}),
    "TIFF": ("TIFF", "RGBA", 5000, {"compression": "tiff_lzw"}),
}


@pytest.mark.parametrize("name", LARGE)
def test_the_largest_accepted_picture_stays_within_the_memory_limit(tmp_path: Path, name: str) -> None:
    """Decode it in a process of its own, whose peak includes nothing else."""
    kind, mode, side, options = LARGE[name]
    file = tmp_path / "picture"
    gradient = Image.linear_gradient("L").resize((side, side))
    (gradient.convert("RGB").convert(mode) if mode != "I;16" else Image.new(mode, (side, side), 99)).save(
        file, kind, **options
    )
    code = (
        "import sys; from pathlib import Path; from PIL import Image; Image.init();"
        "from soniquebay.audio.pictures import read_picture;"
        "peak = lambda: int(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0]);"
        "before = peak(); assert len(read_picture(Path(sys.argv[1])).thumbnails) == 3; print(peak() - before)"
    )
    used = int(subprocess.run([sys.executable, "-c", code, file], check=True, capture_output=True, text=True).stdout)
    print(f"{name}: {used // 1024} MB")
    assert 20 * 1024 < used < 165 * 1024  # KiB


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


def test_a_new_track_has_the_album_checked_again(tmp_path: Path) -> None:
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
        for has_picture in (0, 1):  # without one, its folder may hold the cover
            covers.request_for_new_tracks(db, [db.execute(insert, (has_picture,)).lastrowid or 0])
            assert db.execute("SELECT cover_checked FROM albums").fetchone()[0] == 0
            covers.store(db, tmp_path, 1, b"picture", "image/png")
            assert covers.has_cover(db, 1)
        # Its picture may come before the one that was found.
        covers.request_for_new_tracks(db, [db.execute(insert, (1,)).lastrowid or 0])
        assert not covers.has_cover(db, 1)
        assert not covers.has_cover(db, 2)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    database = Database(tmp_path / "library.db")
    database.migrate()
    with database.transaction() as connection:
        yield connection


def add_album(db: sqlite3.Connection, *paths: str, disc_no: int | None = None) -> int:
    """Add an album with a track at each path, as if its cover was checked; return its id."""
    artist = db.execute("INSERT INTO artists (name, normalised_name) VALUES ('A', 'a')").lastrowid
    album = db.execute(
        "INSERT INTO albums (title, normalised_title, artist_id, credit) VALUES ('X', 'x', ?, 'A')", (artist,)
    ).lastrowid
    db.execute("INSERT INTO album_artists (album_id, position, artist_id, name) VALUES (?, 0, ?, 'A')", (album, artist))
    for path in paths:
        add_track(db, path, album, disc_no)
    covers.set_from_files(db, int(album or 0), None, {})
    return int(album or 0)


def add_track(db: sqlite3.Connection, path: str, album: int | None = None, disc_no: int | None = None) -> int:
    artist = db.execute("INSERT INTO artists (name, normalised_name) VALUES ('A', 'a')").lastrowid
    values = (artist, album, disc_no, path)
    track = db.execute(
        "INSERT INTO tracks (title, artist_id, album_id, disc_no, duration, format, added_at, path, size, mtime_ns)"
        " VALUES ('t', ?, ?, ?, 1.0, 'MP3', 0, ?, 1, 1)",
        values,
    ).lastrowid
    covers.request_for_new_tracks(db, [int(track or 0)])
    return int(track or 0)


def cover_of(data: bytes) -> covers.Cover:
    return covers.Cover(covers.digest_of(data), "image/png")


def unchecked(db: sqlite3.Connection) -> list[int]:
    return [row["id"] for row in queries.albums_with_unchecked_cover(db, 100)]


def test_changed_pictures_concern_the_albums_in_the_folder_and_below_it(db: sqlite3.Connection) -> None:
    here = add_album(db, "/m/Artist/Album/1.mp3")
    discs = add_album(db, "/m/Artist/Box/CD1/1.mp3")
    deep = add_album(db, "/m/Artist/Box/a/b/c/1.mp3")
    beside = add_album(db, "/m/Artist/Album 2/1.mp3", "/m/Artist-2/1.mp3")
    assert unchecked(db) == []
    for folder, expected in {
        "/m/Artist/Album": [here],
        "/m/Artist/Album/Scans": [here],
        "/m/Artist/Box": [discs],
        "/m/Artist": [here, discs, beside],
        "/m/Artist/Box/CD1/Other": [],
        "/m/Artist/Box/a/b": [deep],
    }.items():
        assert covers.mark_unchecked(db, folder) == len(expected)
        assert unchecked(db) == expected, folder
        for album in expected:
            covers.set_from_files(db, album, None, {})


def test_a_cover_from_the_files_goes_with_them_and_one_from_the_internet_stays(
    db: sqlite3.Connection, tmp_path: Path
) -> None:
    album = add_album(db, "/m/1.mp3")
    covers.set_from_files(db, album, cover_of(b"file"), {})
    assert covers.find_cover(db, "album", album) == cover_of(b"file")
    covers.mark_checked(db, "album", album, "/m/1.mp3")  # the file was unavailable, and may still hold it
    assert covers.find_cover(db, "album", album) == cover_of(b"file")
    covers.set_from_files(db, album, None, {})
    assert covers.find_cover(db, "album", album) is None
    covers.store(db, tmp_path, album, b"online", "image/png")
    covers.set_from_files(db, album, None, {})
    assert covers.find_cover(db, "album", album) == cover_of(b"online")


@pytest.mark.parametrize(
    "change",
    ["missing_since = 1", "path = '/m/2.mp3'", "mtime_ns = 2", "size = 2", "retry_later = 0",
     "album_id = NULL"],
)  # fmt: skip
def test_an_album_is_searched_again_once_a_file_of_it_has_changed(db: sqlite3.Connection, change: str) -> None:
    album = add_album(db, "/m/1.mp3", "/m/other.mp3")
    covers.mark_checked(db, "album", album, "/m/1.mp3")
    db.execute("UPDATE tracks SET title = 'u', path = path WHERE path = '/m/1.mp3'")
    assert unchecked(db) == []
    db.execute(f"UPDATE tracks SET {change} WHERE path = '/m/1.mp3'")
    assert unchecked(db) == [album]


def test_a_disc_has_its_own_cover_or_that_of_its_album(db: sqlite3.Connection) -> None:
    album = add_album(db, "/m/1.mp3", disc_no=1)
    covers.set_from_files(db, album, cover_of(b"album"), {2: cover_of(b"disc")})
    assert covers.find_cover(db, "album", album, 1) == covers.find_cover(db, "album", album) == cover_of(b"album")
    assert covers.find_cover(db, "album", album, 2) == cover_of(b"disc")
    covers.set_from_files(db, album, cover_of(b"album"), {})
    assert covers.find_cover(db, "album", album, 2) == cover_of(b"album")


def test_a_track_without_an_album_has_a_picture_of_its_own(db: sqlite3.Connection) -> None:
    track = add_track(db, "/m/loose.mp3")
    assert [row["id"] for row in queries.tracks_with_unchecked_cover(db, 10)] == [track]
    covers.set_of_track(db, track, cover_of(b"own"))
    assert queries.tracks_with_unchecked_cover(db, 10) == []
    assert covers.find_cover(db, "track", track) == cover_of(b"own")
    covers.mark_unchecked(db, "/m")  # a picture beside it may be its own
    assert [row["id"] for row in queries.tracks_with_unchecked_cover(db, 10)] == [track]
    covers.set_of_track(db, track, None)
    assert covers.find_cover(db, "track", track) is None
    db.execute("UPDATE tracks SET mtime_ns = 2")
    assert len(queries.tracks_with_unchecked_cover(db, 10)) == 1
    db.execute("DELETE FROM tracks")
    assert db.execute("SELECT count(*) FROM track_covers").fetchone()[0] == 0


def test_tracks_of_an_album_show_their_own_pictures_only_if_these_differ(db: sqlite3.Connection) -> None:
    album = add_album(db, "/m/1.mp3", "/m/2.mp3", "/m/3.mp3")
    db.execute("UPDATE tracks SET has_picture = 1 WHERE path <> '/m/3.mp3'")
    covers.set_picture_keys(db, album, {"/m/1.mp3": 5, "/m/2.mp3": 5})
    covers.set_from_files(db, album, cover_of(b"album"), {})
    assert queries.tracks_with_unchecked_cover(db, 10) == []
    covers.set_picture_keys(db, album, {"/m/1.mp3": 5, "/m/2.mp3": 2**63 - 1})
    covers.set_from_files(db, album, cover_of(b"album"), {})
    own = [row["id"] for row in queries.tracks_with_unchecked_cover(db, 10)]
    assert len(own) == 2  # the third has no picture
    for track in own:
        covers.set_of_track(db, track, cover_of(b"%d" % track))
    shown = {covers.find_cover(db, "track", row["id"]) for row in db.execute("SELECT id FROM tracks")}
    assert shown == {cover_of(b"album"), *(cover_of(b"%d" % track) for track in own)}
    covers.set_picture_keys(db, album, {"/m/1.mp3": 5})
    covers.set_from_files(db, album, cover_of(b"album"), {})
    assert {covers.find_cover(db, "track", track) for track in own} == {cover_of(b"album")}


def test_an_artist_has_a_picture_of_its_own_or_the_cover_of_an_album(db: sqlite3.Connection) -> None:
    album = add_album(db, "/m/1.mp3")
    artist = db.execute("SELECT artist_id FROM albums").fetchone()[0]
    covers.set_from_files(db, album, cover_of(b"album"), {})
    assert covers.find_cover(db, "artist", artist) == cover_of(b"album")
    artist_pictures.note_album(db, album)
    artist_pictures.set_picture(db, artist, 1, cover_of(b"artist"), "/m/")
    assert covers.find_cover(db, "artist", artist) == cover_of(b"artist")
    artist_pictures.set_picture(db, artist, 1, None, None)
    assert covers.find_cover(db, "artist", artist) == cover_of(b"album")
    db.execute("UPDATE tracks SET missing_since = 1")
    assert covers.find_cover(db, "artist", artist) is None


def test_the_cover_of_an_artist_does_not_depend_on_which_album_came_first(db: sqlite3.Connection) -> None:
    albums = [add_album(db, f"/m/{number}.mp3") for number in range(2)]
    artist = db.execute("SELECT min(artist_id) FROM album_artists").fetchone()[0]
    db.execute("UPDATE album_artists SET artist_id = ?", (artist,))
    found = set()
    for one, other in (albums, albums[::-1]):
        covers.set_from_files(db, one, cover_of(b"one"), {})
        covers.set_from_files(db, other, cover_of(b"other"), {})
        found.add(covers.find_cover(db, "artist", artist))
    assert len(found) == 1


def test_pictures_of_discs_tracks_and_artists_are_not_deleted(db: sqlite3.Connection, tmp_path: Path) -> None:
    folder = tmp_path / "covers"
    album, track = add_album(db, "/m/1.mp3"), add_track(db, "/m/loose.mp3")
    names = [b"disc", b"track", b"artist", b"nobody's"]
    for name in names:
        covers.write_picture(folder, covers.digest_of(name), name)
        covers.write_picture(folder, covers.digest_of(name), name, 160, ".webp")
    make_old(folder)
    covers.set_from_files(db, album, None, {1: cover_of(b"disc")})
    covers.set_of_track(db, track, cover_of(b"track"))
    artist_pictures.note_album(db, album)
    artist_pictures.set_picture(db, 1, 1, cover_of(b"artist"), "/m/")
    assert covers.delete_unused(db, folder) == 2
    assert {file.read_bytes() for file in folder.rglob("*") if file.is_file()} == set(names[:3])


def test_a_webp_thumbnail_is_returned_only_where_it_is_wanted_and_exists(tmp_path: Path) -> None:
    cover = cover_of(b"original")
    covers.write_picture(tmp_path, cover.digest, b"original")
    covers.write_picture(tmp_path, cover.digest, b"jpeg 160", 160)
    covers.write_picture(tmp_path, cover.digest, b"jpeg 320", 320)
    covers.write_picture(tmp_path, cover.digest, b"webp 320", 320, ".webp")
    chosen = {
        (size, webp): covers.find_file(tmp_path, cover, size, webp=webp)
        for size in (160, 320)
        for webp in (False, True)
    }
    assert {key: (found[0].read_bytes(), found[1]) for key, found in chosen.items() if found} == {
        (160, False): (b"jpeg 160", "image/jpeg"), (160, True): (b"jpeg 160", "image/jpeg"),
        (320, False): (b"jpeg 320", "image/jpeg"), (320, True): (b"webp 320", "image/webp"),
    }  # fmt: skip


def test_the_kind_of_a_stored_picture_is_read_from_it(tmp_path: Path) -> None:
    data = encode_picture("WEBP")
    covers.write_picture(tmp_path, covers.digest_of(data), data)
    covers.write_picture(tmp_path, covers.digest_of(b"text"), b"text")
    assert covers.stored(tmp_path, covers.digest_of(data)) == covers.Cover(covers.digest_of(data), "image/webp")
    assert covers.stored(tmp_path, covers.digest_of(b"text")) is None
    assert covers.stored(tmp_path, covers.digest_of(b"nothing")) is None


def test_the_stamps_of_folders_are_stored_and_forgotten(db: sqlite3.Connection) -> None:
    album = add_album(db, "/m/a/1.mp3")
    assert folder_pictures.update_stamps(db, {"/m/a/": 7, "/m/b/": 8}) == 1
    assert unchecked(db) == [album]
    assert list(queries.known_folder_pictures(db, "/m", page_size=1)) == [("/m/a/", 7), ("/m/b/", 8)]
    assert list(queries.known_folder_pictures(db, "/m/a")) == [("/m/a/", 7)]
    assert folder_pictures.update_stamps(db, {"/m/a/": None}) == 1
    assert list(queries.known_folder_pictures(db, "/")) == [("/m/b/", 8)]


def test_the_state_of_an_albums_files_tells_whether_they_have_changed(db: sqlite3.Connection) -> None:
    album = add_album(db, "/m/1.mp3", "/m/2.mp3")
    states = [covers.state_of_files(db, album)]
    for change in ("size = 2", "mtime_ns = 2", "missing_since = 1", "path = '/m/moved'"):
        db.execute(f"UPDATE tracks SET {change} WHERE path = '/m/1.mp3'")
        states.append(covers.state_of_files(db, album))
        db.execute("UPDATE tracks SET missing_since = NULL")
    add_track(db, "/m/3.mp3", album)
    states.append(covers.state_of_files(db, album))
    assert len(set(states)) == len(states)
    assert covers.state_of_files(db, album) == states[-1]


def test_pictures_whose_files_were_lost_are_searched_again(tmp_path: Path) -> None:
    """A library that came from a backup has no files of covers."""
    db = Database(tmp_path / "library.db")
    db.migrate()
    songs.insert(db, songs.file("/m/a", album="A", artist="X"), songs.file("/m/b", album="B", artist="Y"))
    kept, lost = covers.digest_of(b"kept"), covers.digest_of(b"lost")
    covers.write_picture(tmp_path, kept, b"kept")
    with db.transaction() as writer:
        for album_id, digest in ((1, kept), (2, lost)):
            covers.set_from_files(writer, album_id, covers.Cover(digest, "image/png"), {1: covers.Cover(digest, "x")})
        writer.execute(
            "INSERT INTO artist_pictures (artist_id, sha256, media_type, folder, changes, searched) "
            "SELECT 1, ?, 'x', '', 1, 1 UNION SELECT 2, ?, 'x', '', 1, 1 ON CONFLICT DO UPDATE "
            "SET sha256 = excluded.sha256, media_type = 'x', changes = 1, searched = 1",
            (kept, lost),
        )
    assert covers.lost(db.reader(), tmp_path) == {lost}
    with db.transaction() as writer:
        covers.search_again(writer, {lost})
    albums = db.reader().execute("SELECT cover_sha256, cover_checked FROM albums ORDER BY id")
    assert [tuple(row) for row in albums] == [(kept, 1), (None, 0)]
    artists = db.reader().execute("SELECT sha256, searched < changes FROM artist_pictures ORDER BY artist_id")
    assert [tuple(row) for row in artists] == [(kept, 0), (None, 1)]
