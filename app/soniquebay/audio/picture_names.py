"""What the names of picture files and folders say: whose picture a file is, and which file is the best cover."""

import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

PICTURE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".jxl"}
)
# The best first. A cover of any of these names comes before one of any other name.
COVER_STEMS = ("cover", "folder", "front", "album", "albumart")
_PICTURE_FOLDERS = frozenset({"scans", "scan", "covers", "cover", "artwork", "art"})

# As Navidrome and Plex read them, in any folder with music of the artist.
_ARTIST_KEYS = ("artist", "artistposter", "artistthumb")
# As Kodi, Emby, Jellyfin and Lidarr write and read them in the folder of an artist.
_ARTIST_STEMS = ("folder", "poster", "thumb", "cover", "photo")

_COVER_WORDS = frozenset({"cover", "folder", "front", "album", "albumart", "art", "artwork", "scan", "image", "large"})
_NAMING_WORDS = frozenset({*COVER_STEMS, "artwork"})  # the others of these words alone name nothing
# A picture with one of these words is shown nowhere, unless it has the name of the album.
_UNSHOWN_WORDS = frozenset(
    {"back", "rear", "matrix", "inlay", "inlet", "inner", "inside", "insert", "booklet", "booklets", "leaflet", "page"}
    | {"pages", "tray", "obi", "spine", "sticker", "logo", "banner", "fanart", "backdrop", "background", "landscape"}
)
_OTHER_WORDS = _UNSHOWN_WORDS | frozenset(
    {"disc", "disk", "discs", "disks", "cd", "cds", "dvd", "vinyl", "label", "medium", "cdart", "discart", "clearart"}
    | {"artist", "artists", "band", "poster"}
)
_KNOWN_WORDS = _COVER_WORDS | _OTHER_WORDS
_DISC_WORDS = frozenset({"disc", "disk", "cd", "dvd", "disque"})
_DISC_FOLDER = re.compile(r"(?:bonus[ ._-]*)?(?:cd|dis[ck]|dvd|disque)[ ._-]*#?0*(\d{1,2})(?![^\W_])", re.IGNORECASE)
# Windows Media Player: AlbumArt_{<GUID>}_Large.jpg and …_Small.jpg, AlbumArtSmall.jpg.
_SMALL_ALBUM_ART = re.compile(r"albumart(?:_\{[^}]*\}_)?small")
_LETTERS_OR_DIGITS = re.compile(r"[^\W\d_]+|\d+")

_RANK_OF_WORDS, _RANK_OF_FRONT, _RANK_OF_COVER, _RANK_OF_ALBUM_ART, _RANK_OF_ALBUM = range(
    len(COVER_STEMS), len(COVER_STEMS) + 5
)
_RANK_OF_ONLY, _RANK_OF_SMALL = 20, 21


@dataclass(frozen=True, slots=True)
class AlbumNames:
    """The names by which an album's picture may be called: its title, and its artist's name if it has one."""

    title: str = ""
    artist: str = ""


@dataclass(slots=True)
class FolderContent:
    """The names in a folder: its picture files, its audio files, and its folders, each in any order."""

    pictures: list[str] = field(default_factory=list)
    audio: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)

    def is_of_album(self) -> bool:
        """Return whether music, or the folder of a disc, lies in the folder."""
        return bool(self.audio) or any(disc_of_folder(name) is not None for name in self.folders)


def is_picture(name: str) -> bool:
    """Return whether a file of this name is read as a picture. Hidden files are none."""
    dot = name.rfind(".")
    return dot > 0 and name[0] != "." and name[dot:].lower() in PICTURE_SUFFIXES


def may_be_shown(name: str) -> bool:
    """Return whether a file of this name is a picture that may become a cover, or a disc's or an artist's picture."""
    return is_picture(name) and _words(_stem(name)).isdisjoint(_UNSHOWN_WORDS)


def is_picture_folder(name: str) -> bool:
    """Return whether a folder of this name holds pictures of the album in the folder above it."""
    return name.lower() in _PICTURE_FOLDERS


def disc_of_folder(name: str) -> int | None:
    """Return the number of the disc in a folder of this name, as "CD1" or "Disc 2 - Title"; None if it has no disc."""
    match = _DISC_FOLDER.match(name)
    return int(match[1]) if match else None


def same_name(one: str, other: str) -> bool:
    """Return whether two names are equal but for case, punctuation and what file systems do not allow."""
    return bool(_key(one)) and _key(one) == _key(other)


def album_pictures(content: FolderContent, folder: str, album: AlbumNames) -> list[str]:
    """Return the pictures in a folder that may be the album's cover, the best first.

    `folder` is the folder's name. A picture of the back, a disc, a booklet, an artist or a single track is no cover.
    """
    own = _stems_of_single_tracks(content)
    keys = _album_keys(folder, album)
    words = {name: _words_beside(_stem(name), album) for name in content.pictures if _stem(name).lower() not in own}
    ranks = {name: _rank(_stem(name), words[name], keys) for name in words}
    other = [name for name, rank in ranks.items() if rank is None and not words[name] & _OTHER_WORDS]
    covers = [(rank, name) for name, rank in ranks.items() if rank is not None]
    if len(other) == 1 and not any(rank < _RANK_OF_ONLY for rank, _ in covers):
        covers.append((_RANK_OF_ONLY, other[0]))
    return [name for _, name in sorted(covers, key=lambda cover: (cover[0], _natural(cover[1])))]


def disc_pictures(content: FolderContent, disc_no: int) -> list[str]:
    """Return the pictures of one disc in an album's folder, as "disc1.jpg" or "CD 01.png"."""
    return sorted((name for name in content.pictures if _disc_of_picture(_stem(name)) == disc_no), key=_natural)


def whole_disc_pictures(content: FolderContent) -> list[str]:
    """Return the pictures in a disc's own folder that show the disc itself, as "disc.jpg" or "cd.png"."""
    return sorted((name for name in content.pictures if _stem(name).lower() in _DISC_WORDS), key=_natural)


def track_pictures(content: FolderContent, track: str) -> list[str]:
    """Return the pictures that are called as an audio file in the folder is, whose name is `track`."""
    stem = _stem(track).lower()
    return sorted((name for name in content.pictures if _stem(name).lower() == stem), key=_natural)


def artist_pictures(content: FolderContent, artist: str, *, is_artists: bool) -> list[str]:
    """Return the pictures of an artist in a folder, the best first.

    `is_artists`: it is the artist's folder. Unless an album lies in the folder itself, whose cover they may be, its
    other pictures show the artist, too.
    """
    shows_artist = is_artists and not content.is_of_album()
    ranks = {}
    for name in content.pictures:
        stem = _stem(name)
        if _key(stem) in _ARTIST_KEYS:
            ranks[name] = _ARTIST_KEYS.index(_key(stem))
        elif shows_artist and same_name(stem, artist):
            ranks[name] = len(_ARTIST_KEYS)
        elif shows_artist and stem.lower() in _ARTIST_STEMS:
            ranks[name] = len(_ARTIST_KEYS) + 1 + _ARTIST_STEMS.index(stem.lower())
    return sorted(ranks, key=lambda name: (ranks[name], _natural(name)))


def _rank(stem: str, words: set[str], album_keys: Collection[str]) -> int | None:
    """Return how good a cover a picture is by its name, 0 for the best; None if the name does not say so.

    `words` are those of the name beside the album's title and artist.
    """
    lower = stem.lower()
    if lower in COVER_STEMS:
        return COVER_STEMS.index(lower)
    if lower.startswith("albumart"):
        return _RANK_OF_SMALL if _SMALL_ALBUM_ART.fullmatch(lower) else _RANK_OF_ALBUM_ART
    return _RANK_OF_ALBUM if _key(stem) in album_keys else _rank_of_words(words)


def _rank_of_words(words: set[str]) -> int | None:
    if words & _OTHER_WORDS:
        return None
    if words & _NAMING_WORDS and words <= _COVER_WORDS:
        return _RANK_OF_WORDS
    if "front" in words:
        return _RANK_OF_FRONT
    return _RANK_OF_COVER if "cover" in words else None


def _album_keys(folder: str, album: AlbumNames) -> set[str]:
    title, artist = _key(album.title), _key(album.artist)
    keys = {_key(folder), title, artist + title if title else "", title + artist if title else ""}
    return {whole for key in keys if key for whole in (key, f"{key}cover", f"{key}front")}


def _stems_of_single_tracks(content: FolderContent) -> set[str]:
    """Return the stems of the audio files in lower case; none where there is one file, whose album's picture it is."""
    return {_stem(name).lower() for name in content.audio} if len(content.audio) > 1 else set()


def _disc_of_picture(stem: str) -> int | None:
    parts = _parts(stem)
    if len(parts) == 2 and parts[0] in _DISC_WORDS and parts[1].isdecimal():
        return int(parts[1])
    return None


def _stem(name: str) -> str:
    return name.rpartition(".")[0]


def _words(text: str) -> set[str]:
    """Return the words of a name in lower case, without its numbers."""
    return _split_compounds(_parts(text))


def _words_beside(text: str, album: AlbumNames) -> set[str]:
    """Return the words of a name without the album's names of several words: "Back in Town - front" shows no back."""
    parts = _parts(text)
    for of_name in (_parts(album.title), _parts(album.artist)):
        places = range(len(parts) - len(of_name) + 1 if len(of_name) > 1 else 0)
        start = next((place for place in places if parts[place : place + len(of_name)] == of_name), None)
        if start is not None:
            del parts[start : start + len(of_name)]
    return _split_compounds(parts)


def _split_compounds(parts: Iterable[str]) -> set[str]:
    """Return words without numbers; one that is made of two words of this module, as "frontcover", as these two."""
    result: set[str] = set()
    for part in parts:
        if not part.isdecimal():
            result |= {part} if part in _KNOWN_WORDS else _halves(part)
    return result


def _halves(word: str) -> set[str]:
    for length in range(2, len(word) - 1):
        if word[:length] in _KNOWN_WORDS and word[length:] in _KNOWN_WORDS:
            return {word[:length], word[length:]}
    return {word}


def _parts(text: str) -> list[str]:
    """Return the words and numbers of a name, in lower case."""
    return _LETTERS_OR_DIGITS.findall(text.lower())


def _key(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character for character in plain if character.isalnum())


def _natural(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """Return a sort key by which "cover2" comes before "cover 10", and its signs count last."""
    parts = _parts(_stem(name))
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts], name.lower()
