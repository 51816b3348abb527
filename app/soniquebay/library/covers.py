"""Cover pictures: files named by what is in them, so that the same picture lies there once; albums refer to them."""

import hashlib
import os
import re
import sqlite3
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from soniquebay.audio.picture_format import THUMBNAIL_MEDIA_TYPE, THUMBNAIL_SIZES_PIXELS

_DIGEST = re.compile(r"[0-9a-f]{64}")
_UPLOAD_TIME = 3600.0  # seconds; a younger file may belong to a cover that is just being stored


@dataclass(frozen=True, slots=True)
class Cover:
    """A cover as it is shown: its SHA-256, and its media type in full size."""

    digest: str
    media_type: str


def digest_of(data: bytes) -> str:
    """Return the name under which a picture is kept."""
    return hashlib.sha256(data).hexdigest()


def path(folder: Path, digest: str, size: int | None = None) -> Path:
    """Return where a picture lies, or its thumbnail; raises ``ValueError`` for what is no digest."""
    if not _DIGEST.fullmatch(digest):
        raise ValueError(f"not a SHA-256: {digest!r}")
    return folder / digest[:2] / (f"{digest}.{size}.jpg" if size else digest)


def keep(folder: Path, digest: str, data: bytes, size: int | None = None) -> None:
    """Keep a picture or a thumbnail of it; what is there already is not written again.

    The file is renamed into place, so a reader, or a power cut, never meets half a picture.
    """
    target = path(folder, digest, size)
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(dir=target.parent, prefix=".partial-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            # By its name it is never written again: half a file after a power cut would stay half.
            os.fsync(file.fileno())
        Path(partial).replace(target)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


def store(db: sqlite3.Connection, folder: Path, album_id: int, data: bytes, media_type: str) -> bool:
    """Give an album its cover; False when the album is gone."""
    if db.execute("SELECT 1 FROM albums WHERE id = ?", (album_id,)).fetchone() is None:
        return False
    digest = digest_of(data)
    keep(folder, digest, data)
    db.execute(
        "UPDATE albums SET cover_media_type = ?, cover_sha256 = ?, cover_checked = 1 WHERE id = ?",
        (media_type, digest, album_id),
    )
    return True


def recheck_folder(db: sqlite3.Connection, folder: str) -> int:
    """Have the covers looked for anew of albums with a track right in an encoded folder; returns how many."""
    return db.execute(
        "UPDATE albums SET cover_checked = 0 WHERE id IN (SELECT album_id FROM tracks WHERE path > ?1 || '/' "
        "AND path < ?1 || '0' AND instr(substr(path, length(?1) + 2), '/') = 0)",
        (folder,),
    ).rowcount


def has_cover(db: sqlite3.Connection, album_id: int) -> bool:
    """Tell whether an album has its cover, and no file of it has changed since."""
    row = db.execute(
        "SELECT cover_sha256 IS NOT NULL AND cover_checked FROM albums WHERE id = ?", (album_id,)
    ).fetchone()
    return bool(row and row[0])


def mark_none_found(db: sqlite3.Connection, album_id: int, unavailable_file: str | None = None) -> None:
    """Note that an album's cover was looked for in vain.

    `unavailable_file`: encoded path of its unavailable file; the cover is looked for again once a scan sees that file.
    """
    db.execute("UPDATE albums SET cover_checked = 1 WHERE id = ?", (album_id,))
    if unavailable_file is not None:
        db.execute("UPDATE tracks SET retry_later = 1 WHERE path = ?", (unavailable_file,))


def of(db: sqlite3.Connection, kind: str, item_id: int) -> Cover | None:
    """Return the cover shown for an album, a track or an artist; None without one.

    A track shows its album's, an artist that of the first album with one.
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


def file_of(folder: Path, cover: Cover, size: int | None) -> tuple[Path, str] | None:
    """Return file and media type of the smallest form that has at least `size` pixels; the original without a size.

    A picture smaller than a thumbnail has no such thumbnail: it is its own. None when the file is gone.
    """
    for thumbnail in THUMBNAIL_SIZES_PIXELS if size else ():
        file = path(folder, cover.digest, thumbnail)
        if thumbnail >= (size or 0) and file.is_file():
            return file, THUMBNAIL_MEDIA_TYPE
    original = path(folder, cover.digest)
    return (original, cover.media_type) if original.is_file() else None


def sweep(db: sqlite3.Connection, folder: Path) -> int:
    """Delete the pictures that no album shows any more; returns how many files went."""
    before = time.time() - _UPLOAD_TIME
    old = [file for file in folder.rglob("*") if file.is_file() and file.stat().st_mtime < before]
    # Read after the files were listed: what an album got meanwhile is younger than they.
    shown = {
        row["cover_sha256"] for row in db.execute("SELECT cover_sha256 FROM albums WHERE cover_sha256 IS NOT NULL")
    }
    gone = [file for file in old if file.name.split(".")[0] not in shown]
    for file in gone:
        file.unlink(missing_ok=True)
    return len(gone)
