"""The playlist files of a walk: the new and changed ones are read, and what they say is sent to the API."""

import os
import stat
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from soniquebay.audio.open_flags import READ_FLAGS
from soniquebay.library.paths import decode, encode
from soniquebay.listeners import file_content
from soniquebay.listeners.playlist_files import MAX_FILE_BYTES, NotAPlaylistError
from soniquebay.pipeline import library_api
from soniquebay.pipeline.walk import Walk
from soniquebay.settings import settings

MAX_PLAYLIST_FILES = 10_000  # a folder of each album may have one
FILES_PER_REQUEST = 100
MAX_REQUEST_LOCATIONS = 20_000  # some 2 MB


def report(
    session_id: int,
    walk: Walk,
    folders: Sequence[str] | None,
    files_by_root: Mapping[str, int],
    send_heartbeat: Callable[[], None],
) -> None:
    """Tell the API which playlist files a walk has found, and what the new and changed ones say.

    `folders`: those that were walked, None for all. A root with 0 in `files_by_root` may be an unplugged drive. Why a
    file is not used becomes one of the walk's failures.
    """
    found = dict(list(walk.playlist_files.items())[:MAX_PLAYLIST_FILES])
    for path in list(walk.playlist_files)[MAX_PLAYLIST_FILES:]:
        walk.tell(f"more than {MAX_PLAYLIST_FILES} playlist files", path)
    answer = library_api.post(
        f"/internal/sessions/{session_id}/playlist-files",
        {"folders": folders, "found": found, "unreadable": walk.unreadable, "roots": files_by_root},
    )
    unsent: list[dict[str, Any]] = []
    for path in answer["wanted"]:
        send_heartbeat()
        try:
            unsent.append(_read(path, *found[path]))
        except NotAPlaylistError as error:
            walk.failures.append({"path": path, "reason": f"is not used: {error}"})
        except OSError as error:
            walk.failures.append({"path": path, "reason": f"cannot be read: {error.strerror or error}"})
        if len(unsent) >= FILES_PER_REQUEST or sum(len(file["locations"]) for file in unsent) > MAX_REQUEST_LOCATIONS:
            library_api.post("/internal/playlist-files", {"files": unsent})
            unsent = []
    if unsent:
        library_api.post("/internal/playlist-files", {"files": unsent})


def _read(path: str, size: int, mtime_ns: int) -> dict[str, Any]:
    """Read a file, by its encoded path. Raises ``OSError`` and `NotAPlaylistError`."""
    plain = decode(path)
    descriptor = os.open(plain, READ_FLAGS)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise NotAPlaylistError("it is not a regular file")
        content = file_content.read(plain, file.read(MAX_FILE_BYTES + 1), settings().tag_encoding)
    return {
        "path": path, "size": size, "mtime_ns": mtime_ns, "name": content.name, "comment": content.comment,
        "rules": content.rules, "locations": list(map(encode, content.locations)),
    }  # fmt: skip
