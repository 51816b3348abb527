"""The points of the map as bytes, kept until something is written: 100,000 of them take half a second to make."""

import gzip
import threading
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from soniquebay.library.database import Database
from soniquebay.library.similarity import map_places
from soniquebay.library.similarity.tag_index import TagIndex

_MAGIC = b"SBM2"
# Of `map_places.Point` and the number of the sound tag, each aligned to its size behind the ones before.
_COLUMN_TYPES = "IIIHHHBBB"
_COMPRESSION_LEVEL = 1  # the highest saves a tenth more and takes twenty times as long


@dataclass(frozen=True, slots=True)
class Body:
    """An answer to `GET /api/map`."""

    etag: str
    compressed: bytes
    state: tuple[int, int]
    """Of the library and of the sound tags."""


class MapBody:
    """Makes the answer when it is asked for. Safe to use from several threads."""

    def __init__(self, database: Database, sound_tags: TagIndex) -> None:
        """`database`: the one whose only writer is this process."""
        self._database = database
        self._sound_tags = sound_tags
        self._lock = threading.Lock()  # held while the answer is made: the others wait for it
        self._kept: Body | None = None

    def get(self) -> Body:
        """Return the answer."""
        with self._lock:
            # Before the points are read, so what is kept is never older.
            state = self._database.commits, self._sound_tags.version()
            if self._kept is None or self._kept.state != state:
                points = map_places.points(self._database.reader())
                plain = encode(points, self._sound_tags.numbers([point[0] for point in points]))
                etag = f'W/"{blake2b(plain, digest_size=12).hexdigest()}"'
                self._kept = Body(etag, gzip.compress(plain, _COMPRESSION_LEVEL, mtime=0), state)
            return self._kept


def encode(points: list[map_places.Point], tags: Sequence[int]) -> bytes:
    """Return points, and the number of the sound tag of each, as the description of `GET /api/map` says."""
    columns = [*zip(*points, strict=True), tags] if points else [()] * len(_COLUMN_TYPES)
    arrays = [array(kind, column) for kind, column in zip(_COLUMN_TYPES, columns, strict=True)]
    return b"".join([_MAGIC, len(points).to_bytes(4, "little"), *(column.tobytes() for column in arrays)])
