"""Cover pictures: files beside the database, named by what they belong to."""

import os
import sqlite3
import tempfile
from pathlib import Path


def store(db: sqlite3.Connection, folder: Path, album_id: int, data: bytes, media_type: str) -> bool:
    """Keep an album's cover; False when the album is gone.

    The file is renamed into place, so a reader, or a power cut, never meets half a picture.
    """
    if db.execute("SELECT 1 FROM albums WHERE id = ?", (album_id,)).fetchone() is None:
        return False
    folder.mkdir(parents=True, exist_ok=True)
    handle, partial = tempfile.mkstemp(dir=folder, prefix=".partial-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(partial).replace(path(folder, album_id))
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise
    db.execute("UPDATE albums SET cover = ?, cover_done = 1 WHERE id = ?", (media_type, album_id))
    return True


def none_found(db: sqlite3.Connection, album_id: int) -> None:
    """Note that an album's cover was looked for in vain."""
    db.execute("UPDATE albums SET cover_done = 1 WHERE id = ?", (album_id,))


def path(folder: Path, album_id: int) -> Path:
    """Return where an album's cover lies."""
    return folder / f"album-{album_id}"


def album_of(db: sqlite3.Connection, kind: str, item_id: int) -> tuple[int, str] | None:
    """Return album id and media type of the cover shown for an album, a track or an artist; None without one.

    A track shows its album's, an artist that of the first album with one.
    """
    where = {
        "album": "b.id = ?",
        "track": "b.id = (SELECT album_id FROM tracks WHERE id = ?)",
        "artist": "b.artist_id = ?",
    }[kind]
    row = db.execute(
        f"SELECT b.id, b.cover FROM albums b WHERE {where} AND b.cover IS NOT NULL ORDER BY b.year, b.id LIMIT 1",
        (item_id,),
    ).fetchone()
    return (row["id"], row["cover"]) if row else None
