"""Cover pictures, stored by their SHA-256 so that each picture is on the disk once; albums refer to them."""

import hashlib
import os
import re
import sqlite3
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from soniquebay.audio.picture_format import THUMBNAIL_MEDIA_TYPE, THUMBNAIL_SIZES_PIXELS

_SHA256 = re.compile(r"[0-9a-f]{64}")
_MIN_UNUSED_AGE_SECONDS = 3600.0  # a younger file may belong to a cover that is being stored right now


@dataclass(frozen=True, slots=True)
class Cover:
    """The cover of an album: the SHA-256 of the picture, and its media type in full size."""

    digest: str
    media_type: str


def digest_of(data: bytes) -> str:
    """Return the SHA-256 of a picture, in hexadecimal: its file name."""
    return hashlib.sha256(data).hexdigest()


def picture_path(folder: Path, digest: str, size: int | None = None) -> Path:
    """Return the path of a picture, or of its thumbnail with `size` pixels on the longer side.

    Raises ``ValueError`` when `digest` is not a SHA-256.
    """
    if not _SHA256.fullmatch(digest):
        raise ValueError(f"not a SHA-256: {digest!r}")
    return folder / digest[:2] / (f"{digest}.{size}.jpg" if size else digest)


def write_picture(folder: Path, digest: str, data: bytes, size: int | None = None) -> None:
    """Write a picture, or its thumbnail of `size` pixels, unless the file exists.

    The file is renamed into place, so neither a reader nor a power cut ever sees half a picture.
    """
    target = picture_path(folder, digest, size)
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(dir=target.parent, prefix=".partial-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            # Nothing writes this name again, so a file that a power cut had truncated would stay truncated.
            os.fsync(file.fileno())
        Path(partial).replace(target)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


def store(db: sqlite3.Connection, folder: Path, album_id: int, data: bytes, media_type: str) -> bool:
    """Store a picture as the cover of an album; return False when the album does not exist."""
    if db.execute("SELECT 1 FROM albums WHERE id = ?", (album_id,)).fetchone() is None:
        return False
    digest = digest_of(data)
    write_picture(folder, digest, data)
    db.execute(
        "UPDATE albums SET cover_media_type = ?, cover_sha256 = ?, cover_checked = 1 WHERE id = ?",
        (media_type, digest, album_id),
    )
    return True


def mark_unchecked(db: sqlite3.Connection, folder: str) -> int:
    """Have covers searched again for the albums with a track directly in an encoded folder; return how many."""
    return db.execute(
        "UPDATE albums SET cover_checked = 0 WHERE id IN (SELECT album_id FROM tracks WHERE path > ?1 || '/' "
        "AND path < ?1 || '0' AND instr(substr(path, length(?1) + 2), '/') = 0)",
        (folder,),
    ).rowcount


def has_cover(db: sqlite3.Connection, album_id: int) -> bool:
    """Tell whether an album has a cover, and none of its files has changed since."""
    row = db.execute(
        "SELECT cover_sha256 IS NOT NULL AND cover_checked FROM albums WHERE id = ?", (album_id,)
    ).fetchone()
    return bool(row and row[0])


def mark_none_found(db: sqlite3.Connection, album_id: int, unavailable_file: str | None = None) -> None:
    """Record that the files of an album hold no cover.

    `unavailable_file`: the encoded path of a file that could not be read. The cover is searched again once a scan sees
    that file.
    """
    db.execute("UPDATE albums SET cover_checked = 1 WHERE id = ?", (album_id,))
    if unavailable_file is not None:
        db.execute("UPDATE tracks SET retry_later = 1 WHERE path = ?", (unavailable_file,))


def find_cover(db: sqlite3.Connection, kind: str, item_id: int) -> Cover | None:
    """Return the cover of an album, a track or an artist (`kind`); None without one.

    A track has the cover of its album, an artist that of the earliest album with one.
    """
    where = {
        "album": "b.id = ?",
        "track": "b.id = (SELECT album_id FROM tracks WHERE id = ?)",
        "artist": "b.artist_id = ?",
    }[kind]
    row = db.execute(
        f"SELECT b.cover_sha256, b.cover_media_type FROM albums b WHERE {where} AND b.cover_sha256 IS NOT NULL "
        "ORDER BY b.year, b.id LIMIT 1",
        (item_id,),
    ).fetchone()
    return Cover(row["cover_sha256"], row["cover_media_type"]) if row else None


def find_file(folder: Path, cover: Cover, size: int | None) -> tuple[Path, str] | None:
    """Return path and media type of the smallest file with at least `size` pixels, or of the original without a size.

    A picture smaller than a thumbnail size has no thumbnail of that size, so the original is returned. None when the
    files do not exist.
    """
    for thumbnail_size in THUMBNAIL_SIZES_PIXELS if size else ():
        file = picture_path(folder, cover.digest, thumbnail_size)
        if thumbnail_size >= (size or 0) and file.is_file():
            return file, THUMBNAIL_MEDIA_TYPE
    original = picture_path(folder, cover.digest)
    return (original, cover.media_type) if original.is_file() else None


def delete_unused(db: sqlite3.Connection, folder: Path) -> int:
    """Delete the pictures that no album refers to; return how many files were deleted."""
    newest_mtime = time.time() - _MIN_UNUSED_AGE_SECONDS
    candidates = [file for file in folder.rglob("*") if file.is_file() and file.stat().st_mtime < newest_mtime]
    # Queried after the files were listed: a picture that an album got in the meantime is not among the candidates.
    used = {row["cover_sha256"] for row in db.execute("SELECT cover_sha256 FROM albums WHERE cover_sha256 IS NOT NULL")}
    unused = [file for file in candidates if file.name.split(".")[0] not in used]
    for file in unused:
        file.unlink(missing_ok=True)
    return len(unused)
