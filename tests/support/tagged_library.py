"""Sound tags for tracks of a test, as the analysis stores them."""

import numpy as np

from soniquebay.audio.sound_tags import SOUND_TAGS, SOUND_TAGS_VERSION
from soniquebay.library.database import Database
from soniquebay.library.similarity import sound_tags


def stored(**likely: float) -> sound_tags.Stored:
    """Return sound tags with these probabilities and 0 for all others; "_" stands for a space."""
    values = np.zeros(len(SOUND_TAGS), "<f2")
    for word, probability in likely.items():
        values[SOUND_TAGS.index(word.replace("_", " "))] = probability
    return SOUND_TAGS_VERSION, values.tobytes()


def tag(database: Database, **likely: dict[int, float]) -> None:
    """Store the sound tags of all tracks of a library: for each word the probabilities by the ids of tracks."""
    with database.transaction() as db:
        for (track_id,) in db.execute("SELECT id FROM tracks").fetchall():
            of_track = {word: by_id[track_id] for word, by_id in likely.items() if track_id in by_id}
            sound_tags.store(db, track_id, stored(**of_track))
