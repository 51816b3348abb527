"""Which files belong to the same artist or album: by MBID if they have one, else by normalised name."""

import re
import unicodedata
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from soniquebay.library.entities import (
    ENTITIES_SCHEMA,
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
VARIOUS_ARTISTS_MBID = "89ad4ac3-39f7-470e-963a-56509c546377"  # a special-purpose artist of MusicBrainz

_FEATURING = re.compile(r"\s+[(\[]?\b(?:feat|ft|featuring)\b\.?\s+.*$", re.IGNORECASE)
_DISC_NUMBER = re.compile(r"\s*[(\[,:-]?\s*\b(?:disc|disk|cd)\s*(\d{1,2})\s*[)\]]?\s*$", re.IGNORECASE)
_PLAIN_PUNCTUATION = str.maketrans(
    {"‘": "'", "’": "'", "´": "'", "`": "'", "“": '"', "”": '"', "‐": "-", "–": "-", "—": "-"}
)


@lru_cache(4096)  # the tracks of an album repeat the same names
def normalised_name(name: str) -> str:
    """Return the form in which two spellings of a name are equal; it is empty only for an empty name.

    It ignores case, accents, a leading "The", typographic quotes and dashes, repeated spaces, and the Unicode
    normalisation form.
    """
    text = unicodedata.normalize("NFKD", name.translate(_PLAIN_PUNCTUATION)).casefold()
    without_accents = " ".join("".join(c for c in text if not unicodedata.combining(c)).split())
    without_article = without_accents.removeprefix("the ").removesuffix(", the")
    # A name of nothing but combining marks stays as it is.
    return without_article or without_accents or name


def primary_artist(name: str) -> str:
    """Return an artist's name without the featured guests: "A" for "A feat. B"."""
    return _FEATURING.sub("", name) or name


def split_disc(title: str) -> tuple[str, int | None]:
    """Return an album's title without a disc number at its end, and that number: all discs are one album."""
    match = _DISC_NUMBER.search(title)
    return (title[: match.start()], int(match[1])) if match and match.start() else (title, None)


def fingerprint(file: FileTags) -> int:
    """Return 63 bits that stay the same when a file is moved or renamed: a hash of its size, length and tags.

    Without a title these may be the same for several files, so the modification time, which a move keeps, replaces it.
    """
    tags = file["tags"]
    title_or_mtime = tags["title"] if tags["has_title"] else file["mtime_ns"]
    parts = (file["size"], tags["duration"], title_or_mtime, tags["artist"], tags["album"])
    digest = blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


@dataclass
class _UniqueEntities:
    """Entities in the order in which they were added, each once."""

    entities: list[Any] = field(default_factory=list)
    _indexes: dict[Hashable, int] = field(default_factory=dict)

    def add(self, key: Hashable, entity: Any) -> int:
        """Add an entity unless there is one with this key; return the index of that one."""
        if key not in self._indexes:
            self._indexes[key] = len(self.entities)
            self.entities.append(entity)
        return self._indexes[key]


def group(files: Sequence[FileTags], failures: Iterable[FailedFile] = ()) -> Entities:
    """Group the files of a batch into artists, albums and tracks that refer to each other by index."""
    artists, albums = _UniqueEntities(), _UniqueEntities()

    def add_artist(name: str, mbid: str | None) -> int:
        entity: ArtistEntity = {"name": name, "normalised_name": normalised_name(name), "mbid": mbid}
        return artists.add(mbid or entity["normalised_name"], entity)

    untagged_compilations = _untagged_compilations(files)
    tracks: list[TrackEntity] = []
    for file in files:
        tags: Mapping[str, Any] = file["tags"]
        credit = tags["artist"] or tags["album_artist"] or UNKNOWN_ARTIST
        artist_name = primary_artist(credit)
        artist = add_artist(artist_name, tags["mb_artist"])
        album, disc_no = None, tags["disc_no"]
        if tags["album"]:
            title, disc_no_in_title = split_disc(tags["album"])
            disc_no = disc_no or disc_no_in_title
            is_compilation = tags["compilation"] or _folder_and_album(file) in untagged_compilations
            album_artist = add_artist(*_album_artist(tags, artist_name, is_compilation=is_compilation))
            entity: AlbumEntity = {
                "title": title, "normalised_title": normalised_name(title), "artist": album_artist,
                "year": tags["year"], "mbid": tags["mb_album"],
            }  # fmt: skip
            album = albums.add(entity["mbid"] or (entity["normalised_title"], album_artist), entity)
        tracks.append(
            {
                "path": file["path"],
                "size": file["size"],
                "mtime_ns": file["mtime_ns"],
                "title": tags["title"],
                "artist": artist,
                "credit": credit if credit != artist_name else None,
                "album": album,
                "track_no": tags["track_no"],
                "disc_no": disc_no,
                "year": tags["year"],
                "duration": tags["duration"],
                "format": tags["format"],
                "mbid": tags["mb_recording"],
                "genre_raw": GENRE_SEPARATOR.join(tags["genres"]),
                "has_picture": tags["has_picture"],
                "fingerprint": fingerprint(file),
            }
        )
    return {
        "schema": ENTITIES_SCHEMA,
        "artists": artists.entities,
        "albums": albums.entities,
        "tracks": tracks,
        "failures": list(failures),
    }


def _album_artist(tags: Mapping[str, Any], artist_name: str, *, is_compilation: bool) -> tuple[str, str | None]:
    """Return name and MBID."""
    if tags["album_artist"]:
        return tags["album_artist"], tags["mb_album_artist"]
    if is_compilation:
        return VARIOUS_ARTISTS, VARIOUS_ARTISTS_MBID
    return artist_name, tags["mb_album_artist"] or tags["mb_artist"]


def _folder_and_album(file: FileTags) -> tuple[str, str]:
    """Return the folder of a file and the normalised title of its album."""
    album: Any = file["tags"]["album"]
    return file["path"].rpartition("/")[0], normalised_name(album)


def _untagged_compilations(files: Iterable[FileTags]) -> set[tuple[str, str]]:
    """Return folder and album title of the compilations that no tag marks as such.

    They have several artists, no album artist, and no track number twice: two different albums of one title in one
    folder would share some track number.
    """
    artists: dict[tuple[str, str], set[str]] = {}
    numbers: dict[tuple[str, str], list[tuple[Any, Any]]] = {}
    for file in files:
        tags: Mapping[str, Any] = file["tags"]
        if tags["album"] and tags["artist"] and not (tags["album_artist"] or tags["compilation"]):
            album = _folder_and_album(file)
            artists.setdefault(album, set()).add(normalised_name(primary_artist(tags["artist"])))
            numbers.setdefault(album, []).append((tags["disc_no"], tags["track_no"]))
    return {
        album
        for album, names in artists.items()
        if len(names) > 1
        and all(track_no for _, track_no in numbers[album])
        and len(set(numbers[album])) == len(numbers[album])
    }
