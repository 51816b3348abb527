"""Cover pictures, stored by their SHA-256 so that each picture is on the disk once; albums and others refer to them."""

import hashlib
import json
import os
import re
import sqlite3
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from soniquebay.audio.picture_format import THUMBNAIL_MEDIA_TYPES, THUMBNAIL_SIZES_PIXELS
from soniquebay.audio.picture_format import media_type as media_type_of
from soniquebay.audio.picture_names import is_picture_folder

_SHA256 = re.compile(r"[0-9a-f]{64}")
_HEAD_BYTES = 512  # enough to tell the kind of a picture
_USED = (
    "SELECT cover_sha256 FROM albums UNION SELECT sha256 FROM disc_covers "
    "UNION SELECT sha256 FROM track_covers UNION SELECT sha256 FROM artist_pictures"
)
_MIN_UNUSED_AGE_SECONDS = 3600.0  # a younger file may belong to a cover that is being stored right now


@dataclass(frozen=True, slots=True)
class Cover:
    """A cover: the SHA-256 of the picture, and its media type in full size."""

    digest: str
    media_type: str


def digest_of(data: bytes) -> str:
    """Return the SHA-256 of a picture, in hexadecimal: its file name."""
    return hashlib.sha256(data).hexdigest()


def picture_path(folder: Path, digest: str, size: int | None = None, suffix: str = ".jpg") -> Path:
    """Return the path of a picture, or of its thumbnail with `size` pixels on the longer side.

    `suffix`: of the thumbnail, one of `THUMBNAIL_MEDIA_TYPES`. Raises ``ValueError`` when `digest` is not a SHA-256.
    """
    if not _SHA256.fullmatch(digest):
        raise ValueError(f"not a SHA-256: {digest!r}")
    return folder / digest[:2] / (f"{digest}.{size}{suffix}" if size else digest)


def write_picture(folder: Path, digest: str, data: bytes, size: int | None = None, suffix: str = ".jpg") -> None:
    """Write a picture, or its thumbnail of `size` pixels, unless the file exists.

    The file is renamed into place, so neither a reader nor a power cut ever sees half a picture.
    """
    target = picture_path(folder, digest, size, suffix)
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


def stored(folder: Path, digest: str) -> Cover | None:
    """Return a picture that is in the folder, or None. Its media type is read from its bytes."""
    try:
        with picture_path(folder, digest).open("rb") as file:
            kind = media_type_of(file.read(_HEAD_BYTES))
    except OSError:
        return None
    return Cover(digest, kind) if kind else None


def store(db: sqlite3.Connection, folder: Path, album_id: int, data: bytes, media_type: str) -> bool:
    """Store a picture from the internet as the cover of an album; return False when the album does not exist."""
    if db.execute("SELECT 1 FROM albums WHERE id = ?", (album_id,)).fetchone() is None:
        return False
    digest = digest_of(data)
    write_picture(folder, digest, data)
    _set_cover(db, album_id, Cover(digest, media_type), from_files=False)
    return True


def _set_cover(db: sqlite3.Connection, album_id: int, cover: Cover, *, from_files: bool) -> None:
    db.execute(
        "UPDATE albums SET cover_media_type = ?, cover_sha256 = ?, cover_checked = 1, cover_from_files = ? "
        "WHERE id = ?",
        (cover.media_type, cover.digest, from_files, album_id),
    )


def state_of_files(db: sqlite3.Connection, album_id: int) -> str:
    """Return a text that is another one once a file of an album has come, gone or changed."""
    rows = db.execute(
        "SELECT id, size, mtime_ns, path FROM tracks WHERE album_id = ? AND missing_since IS NULL ORDER BY id",
        (album_id,),
    )
    return digest_of(json.dumps([tuple(row) for row in rows]).encode())


def request_for_new_tracks(db: sqlite3.Connection, track_ids: Iterable[int]) -> None:
    """Have the pictures of tracks that were just inserted searched: those of their albums, or their own without one."""
    ids = json.dumps(list(track_ids))
    db.execute(
        "UPDATE albums SET cover_checked = 0 WHERE cover_checked = 1 AND id IN "
        "(SELECT t.album_id FROM json_each(?) j JOIN tracks t ON t.id = j.value)",
        (ids,),
    )
    db.execute(
        "INSERT INTO track_covers (track_id) SELECT t.id FROM json_each(?) j JOIN tracks t ON t.id = j.value "
        "WHERE t.album_id IS NULL",
        (ids,),
    )


def set_picture_keys(db: sqlite3.Connection, album_id: int, keys: Mapping[str, int]) -> None:
    """Record the keys of the pictures embedded in an album's tracks, by encoded path; before `set_from_files`."""
    db.execute(
        "UPDATE tracks SET picture_key = (SELECT value FROM json_each(?1) WHERE key = tracks.path) WHERE album_id = ?2 "
        "AND (picture_key IS NOT NULL OR has_picture)",
        (json.dumps(keys), album_id),
    )


def set_from_files(db: sqlite3.Connection, album_id: int, cover: Cover | None, discs: Mapping[int, Cover]) -> None:
    """Record the cover that the files of an album hold, and those of its discs by number.

    Without one the album loses the cover that its files had. A cover from the internet stays.
    """
    if cover is None:
        db.execute(
            "UPDATE albums SET cover_media_type = iif(cover_from_files, NULL, cover_media_type), "
            "cover_sha256 = iif(cover_from_files, NULL, cover_sha256), cover_checked = 1 WHERE id = ?",
            (album_id,),
        )
    else:
        _set_cover(db, album_id, cover, from_files=True)
    db.execute("DELETE FROM disc_covers WHERE album_id = ?", (album_id,))
    db.executemany(
        "INSERT INTO disc_covers (album_id, disc_no, sha256, media_type) SELECT id, ?, ?, ? FROM albums WHERE id = ?",
        [(disc_no, disc.digest, disc.media_type, album_id) for disc_no, disc in discs.items()],
    )
    _mark_own_pictures(db, album_id)


def set_of_track(db: sqlite3.Connection, track_id: int, cover: Cover | None) -> None:
    """Record the track's own picture, or that it has none."""
    db.execute(
        "UPDATE track_covers SET sha256 = ?, media_type = ?, checked = 1 WHERE track_id = ?",
        (cover.digest if cover else None, cover.media_type if cover else None, track_id),
    )


def _mark_own_pictures(db: sqlite3.Connection, album_id: int) -> None:
    """Have the tracks of an album searched for pictures of their own if their embedded pictures differ."""
    differ = "(SELECT count(DISTINCT picture_key) > 1 FROM tracks WHERE album_id = ?1 AND missing_since IS NULL)"
    db.execute(
        "DELETE FROM track_covers WHERE track_id IN (SELECT id FROM tracks WHERE album_id = ?1) "
        f"AND (NOT {differ} OR (SELECT picture_key FROM tracks WHERE id = track_id) IS NULL)",
        (album_id,),
    )
    db.execute(
        "INSERT INTO track_covers (track_id) SELECT id FROM tracks WHERE album_id = ?1 AND picture_key IS NOT NULL "
        f"AND {differ} ON CONFLICT (track_id) DO UPDATE SET checked = 0",
        (album_id,),
    )


def mark_unchecked(db: sqlite3.Connection, folder: str) -> int:
    """Have covers searched again where the pictures in an encoded folder may count; return for how many albums.

    Those are the albums with a track in the folder, or up to two folders below it: the folder may be an artist's, or
    that of an album with a folder for each disc. A folder of scans counts as the folder above it.
    """
    parent, _, name = folder.rpartition("/")
    if is_picture_folder(name):
        folder = parent
    below = "path > ?1 || '/' AND path < ?1 || '0'"
    # The number of slashes below the folder tells the depth.
    depth = "length(path) - length(replace(path, '/', '')) - (length(?1) - length(replace(?1, '/', '')))"
    db.execute(
        f"UPDATE track_covers SET checked = 0 WHERE track_id IN (SELECT id FROM tracks WHERE {below} AND {depth} = 1)",
        (folder,),
    )
    return db.execute(
        f"UPDATE albums SET cover_checked = 0 WHERE id IN (SELECT album_id FROM tracks WHERE {below} AND {depth} <= 3)",
        (folder,),
    ).rowcount


def has_cover(db: sqlite3.Connection, album_id: int) -> bool:
    """Tell whether an album has a cover, and none of its files has changed since."""
    row = db.execute(
        "SELECT cover_sha256 IS NOT NULL AND cover_checked FROM albums WHERE id = ?", (album_id,)
    ).fetchone()
    return bool(row and row[0])


def mark_checked(db: sqlite3.Connection, kind: str, item_id: int, unavailable_file: str | None = None) -> None:
    """Record that an album or a track (`kind`) was searched for pictures, and keeps what it has.

    `unavailable_file`: the encoded path of a file that could not be read. Once a scan sees it, the search is repeated.
    """
    if kind == "album":
        db.execute("UPDATE albums SET cover_checked = 1 WHERE id = ?", (item_id,))
    else:
        db.execute("UPDATE track_covers SET checked = 1 WHERE track_id = ?", (item_id,))
    if unavailable_file is not None:
        db.execute("UPDATE tracks SET retry_later = 1 WHERE path = ?", (unavailable_file,))


def find_cover(db: sqlite3.Connection, kind: str, item_id: int, disc_no: int | None = None) -> Cover | None:
    """Return the cover of an album, a track or an artist (`kind`); None without one.

    A track has its own picture or the cover of its album, a disc of an album its own or the album's, and an artist the
    picture in its folder or the cover of its earliest album with one.
    """
    own = {
        "album": "SELECT sha256, media_type FROM disc_covers WHERE album_id = ? AND disc_no = ?",
        "track": "SELECT sha256, media_type FROM track_covers WHERE track_id = ? AND sha256 IS NOT NULL",
        "artist": "SELECT sha256, media_type FROM artist_pictures WHERE artist_id = ? AND sha256 IS NOT NULL",
    }[kind]
    row = db.execute(own, (item_id, disc_no) if kind == "album" else (item_id,)).fetchone()
    if row is None:
        where = {
            "album": "b.id = ?",
            "track": "b.id = (SELECT album_id FROM tracks WHERE id = ?)",
            "artist": "b.id IN (SELECT album_id FROM album_artists WHERE artist_id = ?) AND EXISTS "
            "(SELECT 1 FROM tracks t WHERE t.album_id = b.id AND t.missing_since IS NULL)",
        }[kind]
        row = db.execute(
            f"SELECT b.cover_sha256, b.cover_media_type FROM albums b WHERE {where} AND b.cover_sha256 IS NOT NULL "
            "ORDER BY b.year, b.sort_title, b.cover_sha256 LIMIT 1",
            (item_id,),
        ).fetchone()
    return Cover(*row) if row else None


def find_file(folder: Path, cover: Cover, size: int | None, *, webp: bool = False) -> tuple[Path, str] | None:
    """Return path and media type of the smallest file with at least `size` pixels, or of the original without a size.

    `webp`: whether the thumbnail may be WebP. A picture smaller than a thumbnail size has no thumbnail of that size, so
    the original is returned. None when the files do not exist.
    """
    for thumbnail_size in THUMBNAIL_SIZES_PIXELS if size else ():
        for suffix, media_type in THUMBNAIL_MEDIA_TYPES.items():
            file = picture_path(folder, cover.digest, thumbnail_size, suffix)
            if thumbnail_size >= (size or 0) and (webp or suffix != ".webp") and file.is_file():
                return file, media_type
    original = picture_path(folder, cover.digest)
    return (original, cover.media_type) if original.is_file() else None


def delete_unused(db: sqlite3.Connection, folder: Path) -> int:
    """Delete the pictures that nothing refers to; return how many files were deleted."""
    newest_mtime = time.time() - _MIN_UNUSED_AGE_SECONDS
    candidates = [file for file in folder.rglob("*") if file.is_file() and file.stat().st_mtime < newest_mtime]
    # Queried after the files were listed: a picture that an album got in the meantime is not among the candidates.
    used = {row[0] for row in db.execute(_USED)}
    unused = [file for file in candidates if file.name.split(".")[0] not in used]
    for file in unused:
        file.unlink(missing_ok=True)
    return len(unused)


def lost(db: sqlite3.Connection, folder: Path) -> set[str]:
    """Return the SHA-256 of the pictures whose files are not there: the library came from a backup."""
    used = {row[0] for row in db.execute(_USED) if row[0]}
    return {digest for digest in used if not picture_path(folder, digest).exists()}


def search_again(db: sqlite3.Connection, digests: Iterable[str]) -> None:
    """Have the pictures searched anew whose files were lost."""
    gone = (json.dumps(list(digests)),)
    is_gone = "IN (SELECT value FROM json_each(?1))"
    db.execute(
        "UPDATE albums SET cover_sha256 = NULL, cover_media_type = NULL, cover_checked = 0 WHERE "
        f"cover_sha256 {is_gone} OR id IN (SELECT album_id FROM disc_covers WHERE sha256 {is_gone})",
        gone,
    )
    db.execute(f"UPDATE track_covers SET sha256 = NULL, media_type = NULL, checked = 0 WHERE sha256 {is_gone}", gone)
    db.execute(
        f"UPDATE artist_pictures SET sha256 = NULL, media_type = NULL, changes = changes + 1 WHERE sha256 {is_gone}",
        gone,
    )
