"""The stored tags of tracks: what their files said when they were read."""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

from soniquebay.library.catalogue import state
from soniquebay.library.catalogue.interpret import TrackTags, interpret


def stored_track_tags(
    db: sqlite3.Connection, tracks: Iterable[sqlite3.Row | Mapping[str, Any]]
) -> dict[int, TrackTags]:
    """Interpret the stored tags of tracks, which have ``id`` and ``path``; return them by track id."""
    paths = {track["id"]: track["path"] for track in tracks}
    rows = db.execute(
        "SELECT f.track_id, f.tags FROM json_each(?) j JOIN file_tags f ON f.track_id = j.value",
        (json.dumps(list(paths)),),
    )
    joins = state.artist_joins(db)
    return {row["track_id"]: interpret(json.loads(row["tags"]), paths[row["track_id"]], joins) for row in rows}
