"""Who is who: when two names mean the same artist or album. MusicBrainz ids first, normalised names second."""

import re
import unicodedata
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from typing import Any

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
_DISC = re.compile(r"\s*[(\[,:-]?\s*\b(?:disc|disk|cd)\s*(\d{1,2})\s*[)\]]?\s*$", re.IGNORECASE)
_APOSTROPHES = str.maketrans({"‘": "'", "’": "'", "´": "'", "`": "'", "“": '"', "”": '"', "‐": "-", "–": "-", "—": "-"})


@lru_cache(4096)  # the tracks of an album say the same names again and again
def normalised_name(name: str) -> str:
    """Return the form in which two spellings of one name are equal; never empty for a name that is not.

    Unicode form, case, accents, leading "The", typographic quotes and dashes, and runs of spaces do not count.
    """
    text = unicodedata.normalize("NFKD", name.translate(_APOSTROPHES)).casefold()
    plain = " ".join("".join(c for c in text if not unicodedata.combining(c)).split())
    short = plain.removeprefix("the ").removesuffix(", the")
    # A name made of combining marks alone would be lost.
    return short or plain or name


def primary_artist(name: str) -> str:
    """Return an artist's name without its guests: track and album belong to the host."""
    return _FEATURING.sub("", name) or name


def split_disc(title: str) -> tuple[str, int | None]:
    """Return an album's title without its disc number, and that number: two discs are one album."""
    match = _DISC.search(title)
    return (title[: match.start()], int(match[1])) if match and match.start() else (title, None)


def fingerprint(file: FileTags) -> int:
    """Return what a file keeps when it is moved or renamed: its size, its length and its tags; 63 bits.

    A file without a title has little of its own, so its modification time, which a move keeps, counts too.
    """
    tags = file["tags"]
    own = None if tags["has_title"] else file["mtime_ns"]
    parts = (file["size"], tags["duration"], tags["title"] if own is None else own, tags["artist"], tags["album"])
    digest = blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


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


def group(files: Sequence[FileTags], failures: Iterable[FailedFile] = ()) -> Entities:
    """Group the files of a batch into artists, albums and tracks that refer to each other by index."""
    artists, albums = _Group(), _Group()

    def artist(name: str, mbid: str | None) -> int:
        entity: ArtistEntity = {"name": name, "normalised_name": normalised_name(name), "mbid": mbid}
        return artists.place(mbid or entity["normalised_name"], entity)

    mixed = _mixed_folders(files)
    tracks: list[TrackEntity] = []
    for file in files:
        tags: Mapping[str, Any] = file["tags"]
        credit = tags["artist"] or tags["album_artist"] or UNKNOWN_ARTIST
        host = primary_artist(credit)
        performer = artist(host, tags["mb_artist"])
        album, disc = None, tags["disc_no"]
        if tags["album"]:
            title, named_disc = split_disc(tags["album"])
            disc = disc or named_disc
            various = tags["compilation"] or _folder_and_album(file) in mixed
            owner = artist(*_album_artist(tags, host, various=various))
            entity: AlbumEntity = {
                "title": title, "normalised_title": normalised_name(title), "artist": owner,
                "year": tags["year"], "mbid": tags["mb_album"],
            }  # fmt: skip
            album = albums.place(entity["mbid"] or (entity["normalised_title"], owner), entity)
        tracks.append(
            {
                "path": file["path"],
                "size": file["size"],
                "mtime_ns": file["mtime_ns"],
                "title": tags["title"],
                "artist": performer,
                "credit": credit if credit != host else None,
                "album": album,
                "track_no": tags["track_no"],
                "disc_no": disc,
                "year": tags["year"],
                "duration": tags["duration"],
                "format": tags["format"],
                "mbid": tags["mb_recording"],
                "genre_raw": GENRE_SEPARATOR.join(tags["genres"]),
                "has_picture": tags["has_picture"],
                "fingerprint": fingerprint(file),
            }
        )
    return {"artists": artists.items, "albums": albums.items, "tracks": tracks, "failures": list(failures)}


def _album_artist(tags: Mapping[str, Any], host: str, *, various: bool) -> tuple[str, str | None]:
    if tags["album_artist"]:
        return tags["album_artist"], tags["mb_album_artist"]
    if various:
        return VARIOUS_ARTISTS, VARIOUS_ARTISTS_MBID
    return host, tags["mb_album_artist"] or tags["mb_artist"]


def _folder_and_album(file: FileTags) -> tuple[str, str]:
    """Return folder and album: files of one group_key may be one compilation."""
    album: Any = file["tags"]["album"]
    return file["path"].rpartition("/")[0], normalised_name(album)


def _mixed_folders(files: Iterable[FileTags]) -> set[tuple[str, str]]:
    """Return the shelves that hold a compilation nobody tagged as one.

    Several artists, none of them named as the album's, and no track number twice: two different albums of one title in
    one folder would have some number in common.
    """
    artists: dict[tuple[str, str], set[str]] = {}
    numbers: dict[tuple[str, str], list[tuple[Any, Any]]] = {}
    for file in files:
        tags: Mapping[str, Any] = file["tags"]
        if tags["album"] and tags["artist"] and not (tags["album_artist"] or tags["compilation"]):
            group_key = _folder_and_album(file)
            artists.setdefault(group_key, set()).add(normalised_name(primary_artist(tags["artist"])))
            numbers.setdefault(group_key, []).append((tags["disc_no"], tags["track_no"]))
    return {
        group_key
        for group_key, names in artists.items()
        if len(names) > 1
        and all(track for _, track in numbers[group_key])
        and len(set(numbers[group_key])) == len(numbers[group_key])
    }
