"""Who is who: when two names mean the same artist or album. MusicBrainz ids first, normalised names second."""

import re
import unicodedata
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from soniquebay.library.entities import (
    GENRE_SEPARATOR,
    AlbumEntity,
    ArtistEntity,
    Entities,
    FailedFile,
    FileTags,
    TrackEntity,
)

UNKNOWN_ARTIST = "Unknown Artist"
VARIOUS_ARTISTS = "Various Artists"
VARIOUS_ARTISTS_MBID = "89ad4ac3-39f7-470e-963a-56509c546377"  # MusicBrainz's own

_FEATURING = re.compile(r"\s+[(\[]?\b(?:feat|ft|featuring)\b\.?\s+.*$", re.IGNORECASE)
_APOSTROPHES = str.maketrans({"‘": "'", "’": "'", "´": "'", "`": "'", "“": '"', "”": '"', "‐": "-", "–": "-", "—": "-"})


def key(name: str) -> str:
    """Return the form in which two spellings of one name are equal; never empty for a name that is not.

    Unicode form, case, accents, leading "The", typographic quotes and dashes, and runs of spaces do not count.
    """
    text = unicodedata.normalize("NFKD", name.translate(_APOSTROPHES)).casefold()
    plain = " ".join("".join(c for c in text if not unicodedata.combining(c)).split())
    short = plain.removeprefix("the ").removesuffix(", the")
    # A name made of combining marks alone would be lost.
    return short or plain or name


def primary_artist(name: str) -> str:
    """Return an artist's name without its guests: an album belongs to the host."""
    return _FEATURING.sub("", name) or name


@dataclass
class _Group:
    """Entities in the order met, each once by its identity."""

    items: list[Any] = field(default_factory=list)
    places: dict[Hashable, int] = field(default_factory=dict)

    def place(self, identity: Hashable, item: Any) -> int:
        if identity not in self.places:
            self.places[identity] = len(self.items)
            self.items.append(item)
        return self.places[identity]


def group(files: Iterable[FileTags], failures: Iterable[FailedFile] = ()) -> Entities:
    """Group the files of a batch into artists, albums and tracks that refer to each other by index."""
    artists, albums = _Group(), _Group()

    def artist(name: str, mbid: str | None) -> int:
        entity: ArtistEntity = {"name": name, "key": key(name), "mbid": mbid}
        return artists.place(mbid or entity["key"], entity)

    tracks: list[TrackEntity] = []
    for file in files:
        tags = file["tags"]
        name = cast("str | None", tags["artist"]) or cast("str | None", tags["album_artist"]) or UNKNOWN_ARTIST
        performer = artist(name, cast("str | None", tags["mb_artist"]))
        album = None
        if tags["album"]:
            owner = artist(*_album_artist(tags, name))
            entity = _album(tags, owner)
            album = albums.place(entity["mbid"] or (entity["key"], owner), entity)
        tracks.append(_track(file, performer, album))
    return {"artists": artists.items, "albums": albums.items, "tracks": tracks, "failures": list(failures)}


def _album_artist(tags: Mapping[str, Any], performer: str) -> tuple[str, str | None]:
    if tags["album_artist"]:
        return tags["album_artist"], tags["mb_album_artist"]
    if tags["compilation"]:
        return VARIOUS_ARTISTS, VARIOUS_ARTISTS_MBID
    host = primary_artist(performer)
    # The performer's id speaks of the host only where there is no guest.
    return host, tags["mb_album_artist"] or (tags["mb_artist"] if host == performer else None)


def _album(tags: Mapping[str, Any], owner: int) -> AlbumEntity:
    title = tags["album"]
    return {"title": title, "key": key(title), "artist": owner, "year": tags["year"], "mbid": tags["mb_album"]}


def _track(file: FileTags, artist: int, album: int | None) -> TrackEntity:
    tags: Mapping[str, Any] = file["tags"]
    return {
        "path": file["path"],
        "size": file["size"],
        "mtime_ns": file["mtime_ns"],
        "title": tags["title"],
        "artist": artist,
        "album": album,
        "track_no": tags["track_no"],
        "disc_no": tags["disc_no"],
        "year": tags["year"],
        "duration": tags["duration"],
        "format": tags["format"],
        "mbid": tags["mb_recording"],
        "genre_raw": GENRE_SEPARATOR.join(tags["genres"]),
        "has_picture": tags["has_picture"],
    }
