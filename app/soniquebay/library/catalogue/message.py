"""The message from stage 3 to the API: what the files of a batch say, interpreted."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any, cast

import orjson

from soniquebay.library.catalogue.credits import Credit, Part
from soniquebay.library.catalogue.interpret import Interpreter, Tags, TrackTags, first
from soniquebay.library.entities import ENTITIES_SCHEMA, Entities, FailedFile, FileTags, TrackEntity


def entities(
    files: Sequence[FileTags], failures: Iterable[FailedFile] = (), artist_joins: frozenset[str] = frozenset()
) -> Entities:
    """Return the message for a batch of files that were read. Credits are always split at `artist_joins`."""
    credits: dict[Credit, int] = {}
    interpreter = Interpreter(artist_joins)
    tracks = []
    remarks: list[FailedFile] = []
    for file in files:
        parts = file.get("parts")
        remarks += file.get("remarks", ())
        if parts is None:
            tracks.append(_track(file, credits, interpreter))
        else:
            for number, part in enumerate(parts, start=1):
                sound = {**file["sound"], "duration": part["duration"]}
                of_part = cast(FileTags, {**file, "tags": part["tags"], "sound": sound})
                tracks.append(_track(of_part, credits, interpreter, number, part["start"]))
    return {
        "schema": ENTITIES_SCHEMA,
        "credits": [[credit.text, [tuple(part) for part in credit.parts]] for credit in credits],
        "tracks": tracks,
        "failures": [*failures, *remarks],
    }


def _track(
    file: FileTags, credits: dict[Credit, int], interpreter: Interpreter, part: int = 0, start: float = 0.0
) -> TrackEntity:
    tags, sound = file["tags"], file["sound"]
    track_tags = interpreter.interpret(tags, file["path"])
    track: TrackEntity = {
        "part": part,
        "start": start,
        "path": file["path"],
        "size": file["size"],
        "mtime_ns": file["mtime_ns"],
        "fingerprint": fingerprint(file),
        "mbid": track_tags.mbid,
        "tags": _compact_json(tags),
        "sound": _compact_json(sound),
        "interpreted": _to_message(track_tags, credits),
        "duration": round(sound["duration"], 3),
        "format": sound["format"],
        "has_picture": file.get("has_picture", False),
        "doubtful_text": file.get("doubtful_text", False),
    }
    if "companion_stamp" in file:
        track["companion_stamp"] = file["companion_stamp"]
    return track


def _compact_json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _to_message(track_tags: TrackTags, credits: dict[Credit, int]) -> list[Any]:
    """Return interpreted tags with the indexes of their credits: the tracks of an album repeat the same ones."""
    row: list[Any] = list(track_tags)
    row[_ARTIST] = _index(track_tags.artist, credits)
    row[_ALBUM_ARTIST] = _index(track_tags.album_artist, credits)
    row[_OTHERS] = [(role, detail, _index(credit, credits)) for role, detail, credit in track_tags.others]
    return row


_ARTIST, _ALBUM_ARTIST, _OTHERS, _GENRES, _SORT_NAMES = map(
    TrackTags._fields.index, ("artist", "album_artist", "others", "genres", "sort_names")
)


def _index(credit: Credit | None, credits: dict[Credit, int]) -> int | None:
    return None if credit is None else credits.setdefault(credit, len(credits))


def track_tags_of(message: Entities) -> list[TrackTags]:
    """Return the interpreted tags of each track. A broken message raises ``IndexError`` or ``TypeError``."""
    credits = [
        Credit(text, tuple(Part(name, mbid, tuple(map(tuple, segments))) for name, mbid, segments in parts))
        for text, parts in message["credits"]
    ]
    return [_track_tags(track["interpreted"], credits) for track in message["tracks"]]


def _track_tags(row: list[Any], credits: list[Credit]) -> TrackTags:
    row = list(row)
    if row[_ARTIST] is not None:
        row[_ARTIST] = credits[row[_ARTIST]]
    if row[_ALBUM_ARTIST] is not None:
        row[_ALBUM_ARTIST] = credits[row[_ALBUM_ARTIST]]
    row[_OTHERS] = tuple([(role, detail, credits[credit]) for role, detail, credit in row[_OTHERS]])
    row[_GENRES] = tuple(row[_GENRES])
    row[_SORT_NAMES] = tuple(map(tuple, row[_SORT_NAMES]))
    return TrackTags(*row)


def fingerprint(file: FileTags) -> int:
    """Return 63 bits that stay the same when a file is moved or renamed: a hash of its size, length and tags.

    Without a title these may be the same for several files, so the modification time, which a move keeps, replaces it.
    """
    tags: Tags = file["tags"]
    duration: Any = file["sound"]["duration"]
    parts = (
        file["size"],
        round(duration, 3),
        first(tags, "title") or file["mtime_ns"],
        first(tags, "artist") or None,
        first(tags, "album") or None,
    )
    digest = blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
