"""The stamps of the pictures in each folder, and what follows when one is another."""

import sqlite3
from collections.abc import Collection, Iterable, Mapping

from soniquebay.library import artist_pictures, covers

_UNKNOWN_STAMP = 0  # the next scan replaces it


def update_stamps(db: sqlite3.Connection, stamps: Mapping[str, int | None]) -> int:
    """Store the stamps of the pictures in changed folders, and have covers and artists' pictures searched again there.

    `stamps`: by encoded folder with a slash at its end; None if it has no picture any more. Returns the number of
    albums.
    """
    gone = [(folder,) for folder, stamp in stamps.items() if stamp is None]
    db.executemany("DELETE FROM folder_pictures WHERE folder = ?", gone)
    _put(db, [(folder, stamp) for folder, stamp in stamps.items() if stamp is not None])
    return _search_again(db, stamps)


def note_changes(db: sqlite3.Connection, folders: Collection[str]) -> list[str]:
    """Have covers and artists' pictures searched again in encoded folders whose pictures have changed.

    Return the folders of which only a scan can tell whether they count: no picture of them is known, and no music.
    """
    unknown = []
    for folder in folders:
        known = db.execute(
            "SELECT EXISTS (SELECT 1 FROM folder_pictures WHERE folder = ?1 || '/'), EXISTS (SELECT 1 FROM tracks "
            "WHERE path > ?1 || '/' AND path < ?1 || '0' AND instr(substr(path, length(?1) + 2), '/') = 0)",
            (folder,),
        ).fetchone()
        if not any(known):
            unknown.append(folder)
        elif not known[0]:
            _put(db, [(f"{folder}/", _UNKNOWN_STAMP)])
    _search_again(db, [f"{folder}/" for folder in folders])
    return unknown


def _put(db: sqlite3.Connection, stamps: Iterable[tuple[str, int]]) -> None:
    db.executemany(
        "INSERT OR REPLACE INTO folder_pictures (folder, stamp, name_key) VALUES (?, ?, ?)",
        [(folder, stamp, artist_pictures.name_key(folder[:-1].rpartition("/")[2])) for folder, stamp in stamps],
    )


def _search_again(db: sqlite3.Connection, folders: Collection[str]) -> int:
    artist_pictures.note_folders(db, folders)
    return sum(covers.mark_unchecked(db, folder[:-1]) for folder in folders)
