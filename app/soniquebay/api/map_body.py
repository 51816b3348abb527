"""The points of the map as bytes, kept until something is written: 100,000 of them take half a second to make."""

import gzip
import threading
from array import array
from dataclasses import dataclass
from hashlib import blake2b

from soniquebay.library.database import Database
from soniquebay.library.similarity import map_places

_MAGIC = b"SBM1"
_COLUMN_TYPES = "IIIHHHBB"  # of `map_places.Point`, each aligned to its size behind the ones before
_COMPRESSION_LEVEL = 1  # the highest saves a tenth more and takes twenty times as long


@dataclass(frozen=True, slots=True)
class Body:
    """An answer to `GET /api/map`."""

    etag: str
    compressed: bytes
    commits: int


class MapBody:
    """Makes the answer when it is asked for. Safe to use from several threads."""

    def __init__(self, database: Database) -> None:
        """`database`: the one whose only writer is this process."""
        self._database = database
        self._lock = threading.Lock()  # held while the answer is made: the others wait for it
        self._kept: Body | None = None

    def get(self) -> Body:
        """Return the answer."""
        with self._lock:
            commits = self._database.commits  # before the points are read, so what is kept is never older
            if self._kept is None or self._kept.commits != commits:
                plain = encode(map_places.points(self._database.reader()))
                etag = f'W/"{blake2b(plain, digest_size=12).hexdigest()}"'
                self._kept = Body(etag, gzip.compress(plain, _COMPRESSION_LEVEL, mtime=0), commits)
            return self._kept


def encode(points: list[map_places.Point]) -> bytes:
    """Return points as the description of `GET /api/map` says."""
    columns = zip(*points, strict=True) if points else [()] * len(_COLUMN_TYPES)
    arrays = [array(kind, column) for kind, column in zip(_COLUMN_TYPES, columns, strict=True)]
    return b"".join([_MAGIC, len(points).to_bytes(4, "little"), *(column.tobytes() for column in arrays)])
