"""The elements of answers: songs, albums, artists, and albums as folders.

A field that OpenSubsonic has added and that is known here is sent even when it is empty, so that clients know that it
is known. A time and a number of which nothing is known are left out.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from soniquebay.api.opensubsonic import ids
from soniquebay.api.opensubsonic.call import Call
from soniquebay.api.opensubsonic.formats import iso_time, known
from soniquebay.audio.media_types import MEDIA_TYPES, UNKNOWN
from soniquebay.library import paths
from soniquebay.library.browsing import bulk
from soniquebay.library.queries import Row
from soniquebay.library.replay_gain import Gains
from soniquebay.listeners import marks
from soniquebay.listeners.items import Kind
from soniquebay.listeners.marks import Marks
from soniquebay.transcoding import formats as transcoded
from soniquebay.transcoding.choice import RequestedSound, StoredSound, choose

IGNORED_ARTICLES = "The An A"
Element = dict[str, Any]
_ARTICLE = re.compile(r"(?:the|an?) (?=\S)", re.IGNORECASE)
_NO_MARKS = Marks()
_ROLES = {"album_artist": "albumartist", "dj_mixer": "djmixer"}
_AUDIO_SUFFIX = re.compile(r"\.([A-Za-z0-9]{1,5})$", re.ASCII)


# --- songs -----------------------------------------------------------------------------------------------------------


def songs(call: Call, track_ids: Sequence[int]) -> list[Element]:
    """Return tracks as songs, in the order of their ids; those that are missing are left out."""
    found = marks_of(call, "track", track_ids)
    roots = music_roots(call)
    return [_song(row, found.get(row["id"], _NO_MARKS), roots) for row in bulk.tracks(call.library, track_ids)]


def song(call: Call, track_id: int) -> Element:
    """Return one track as a song. Raises `SubsonicError` without it."""
    return _one(songs(call, [track_id]))


def _song(row: Row, mark: Marks, roots: Sequence[str]) -> Element:
    tags, sound, credits = row["tags"], row["sound"], row["credits"]
    suffix = _suffix(row["path"])
    bit_rate = sound.get("bit_rate")
    album_id = row["album_id"]
    element: Element = {
        "id": f"tr-{row['id']}",
        "parent": None if album_id is None else f"al-{album_id}",
        "isDir": False,
        "title": row["title"],
        "album": row["album"],
        "artist": row["artist"],
        "track": row["track_no"],
        "year": row["year"],
        "genre": row["genres"][0] if row["genres"] else None,
        "coverArt": ids.of_cover(row["cover"]),
        "size": row["size"],
        "contentType": MEDIA_TYPES.get(row["format"], UNKNOWN),
        "suffix": suffix,
        "duration": round(row["duration"]),
        "bitRate": None if bit_rate is None else round(bit_rate / 1000),
        "bitDepth": sound.get("bit_depth") or 0,
        "samplingRate": sound.get("sample_rate") or 0,
        "channelCount": sound.get("channels") or 0,
        "path": _path(row, suffix, roots),
        "isVideo": False,
        "discNumber": row["disc_no"],
        "created": iso_time(row["added_at"]),
        "albumId": None if album_id is None else f"al-{album_id}",
        "artistId": f"ar-{row['artist_id']}",
        "type": "music",
        "mediaType": "song",
        "bpm": round(row["bpm"] or tags.get("bpm") or 0),
        "comment": _first(tags.get("comment")),
        "sortName": _first(tags.get("title_sort")) or without_article(row["title"]),
        "musicBrainzId": row["mbid"] or "",
        "isrc": _texts(tags.get("isrc")),
        "genres": _named(row["genres"]),
        "artists": _references(row["artists"]),
        "displayArtist": row["artist"] or "",
        "albumArtists": _references(row["album_artists"]),
        "displayAlbumArtist": row["album_artist"] or "",
        "contributors": [_contributor(*credit) for credit in credits],
        "displayComposer": ", ".join([name for role, _, name, _ in credits if role == "composer"]),
        "moods": _texts(tags.get("mood")),
        "replayGain": _replay_gain(row["replay_gain"]),
        "works": _works(tags),
        "movements": _movements(tags),
        "groupings": _texts(tags.get("grouping")),
        **_of_marks(mark),
    }
    other = _transcoded(row["format"], sound.get("codec"), row["part"] > 0)
    if other is not None:
        element["transcodedContentType"], element["transcodedSuffix"] = other
    return known(element)


@lru_cache(256)
def _transcoded(format: str, codec: str | None, is_part: bool) -> tuple[str, str] | None:
    """Return media type and suffix of what a file is sent as, where that is another one."""
    job = choose(StoredSound(format, codec, is_part=is_part), RequestedSound())
    if job is None:
        return None
    return transcoded.MEDIA_TYPES[job.format].partition(";")[0], transcoded.SUFFIXES[job.format].removeprefix(".")


def _suffix(path: str) -> str:
    match = _AUDIO_SUFFIX.search(path)
    return match[1].lower() if match else ""


def _path(row: Row, suffix: str, roots: Sequence[str]) -> str:
    """Return the path below the folder of music. Each part of a file has one of its own, as if it were a file."""
    path = relative_path(row["path"], roots)
    return f"{path}/{row['part']:02}.{suffix}" if row["part"] else path


def relative_path(path: str, roots: Sequence[str]) -> str:
    """Return the part of an encoded path below a root; its last name if it lies below none."""
    for root in roots:
        if path.startswith(root):
            return path[len(root) :]
    return path.rpartition("/")[2]


def music_roots(call: Call) -> list[str]:
    """Return the encoded folders of music, each with a slash at its end."""
    return [paths.encode(f"{root}".rstrip("/") + "/") for root in call.services.settings.music]


def _replay_gain(gains: Gains) -> Element:
    element: Element = {}
    for kind, gain in gains.items():
        element[f"{kind}Gain"] = gain.gain_db
        if gain.peak is not None:
            element[f"{kind}Peak"] = gain.peak
    return element


def _contributor(role: str, artist_id: int, name: str, detail: str) -> Element:
    element: Element = {"role": _ROLES.get(role, role), "artist": {"id": f"ar-{artist_id}", "name": name}}
    if detail:
        element["subRole"] = detail
    return element


def _works(tags: Mapping[str, Any]) -> list[Element]:
    if "work" not in tags:
        return []
    mbids = _texts(tags.get("mb_work"))
    return [
        {"name": name, "musicBrainzId": mbids[n]} if n < len(mbids) else {"name": name}
        for n, name in enumerate(_texts(tags.get("work")))
    ]


def _movements(tags: Mapping[str, Any]) -> list[Element]:
    if "movement" not in tags:
        return []
    numbers = known({"number": tags.get("movement_number"), "count": tags.get("movement_total")})
    return [{"name": name, **numbers} for name in _texts(tags["movement"])[:1]]


# --- albums ----------------------------------------------------------------------------------------------------------


def albums(call: Call, album_ids: Sequence[int]) -> list[Element]:
    """Return albums in the order of their ids; those without a file that is there are left out."""
    found = marks_of(call, "album", album_ids)
    return [_album(row, found.get(row["id"], _NO_MARKS)) for row in bulk.albums(call.library, album_ids)]


def album(call: Call, album_id: int) -> Element:
    """Return one album. Raises `SubsonicError` without it."""
    return _one(albums(call, [album_id]))


def _album(row: Row, mark: Marks) -> Element:
    tags = row["tags"]
    types = _texts(tags.get("release_type")) or [row["type"]] * bool(row["type"])
    element = {
        "id": f"al-{row['id']}",
        "name": row["title"],
        "version": _first(tags.get("album_version")),
        "artist": row["artist"],
        "artistId": f"ar-{row['artist_id']}",
        "coverArt": ids.of_cover(row["cover"]),
        "songCount": row["tracks"],
        "duration": round(row["duration"]),
        "created": iso_time(row["added_at"]),
        "year": row["year"],
        "genre": row["genres"][0] if row["genres"] else None,
        "recordLabels": _named(_texts(tags.get("label")) or [row["label"]] * bool(row["label"])),
        "musicBrainzId": row["mbid"] or "",
        "genres": _named(row["genres"]),
        "artists": _references(row["artists"]),
        "displayArtist": row["artist"],
        "releaseTypes": types,
        "moods": _texts(tags.get("mood")),
        "sortName": _first(tags.get("album_sort")) or without_article(row["title"]),
        "originalReleaseDate": _date(row["original_date"]),
        "releaseDate": _date(row["date"] or row["release_date"]),
        "isCompilation": bool(row["compilation"]),
        "discTitles": [{"disc": disc_no, "title": title} for disc_no, title in row["discs"]],
        **_of_marks(mark),
    }
    return known(element)


def album_folder(element: Element) -> Element:
    """Return an album as the folder that older methods have in its place."""
    names = (
        "id", "artist", "artistId", "coverArt", "created", "year", "genre", "songCount", "duration", "musicBrainzId",
        "starred", "userRating", "playCount", "played",
    )  # fmt: skip
    return {
        **{name: element[name] for name in names if name in element},
        "parent": element["artistId"],
        "isDir": True,
        "isVideo": False,
        "title": element["name"],
        "name": element["name"],
        "album": element["name"],
        "albumId": element["id"],
        "mediaType": "album",
    }


def _date(text: str | None) -> Element:
    if not text:
        return {}
    names = ("year", "month", "day")
    return {
        name: int(part) for name, part in zip(names, text.split("-"), strict=False) if part.isascii() and part.isdigit()
    }


# --- artists ---------------------------------------------------------------------------------------------------------


def artists(call: Call, artist_ids: Sequence[int]) -> list[Element]:
    """Return artists in the order of their ids."""
    found = marks_of(call, "artist", artist_ids)
    return [_artist(row, found.get(row["id"], _NO_MARKS)) for row in bulk.artists(call.library, artist_ids)]


def artist(call: Call, artist_id: int) -> Element:
    """Return one artist. Raises `SubsonicError` without it."""
    return _one(artists(call, [artist_id]))


def _artist(row: Row, mark: Marks) -> Element:
    element = {
        "id": f"ar-{row['id']}",
        "name": row["name"],
        "coverArt": ids.of_cover(row["cover"]),
        "albumCount": row["albums"],
        "starred": iso_time(mark.starred_at),
        "userRating": mark.rating,
        "musicBrainzId": row["mbid"] or "",
        "sortName": row["sort_name"] or without_article(row["name"]),
        "roles": [_ROLES.get(role, role) for role in row["roles"]],
    }
    return known(element)


def artist_folder(element: Element) -> Element:
    """Return an artist as older methods have it."""
    return {name: element[name] for name in ("id", "name", "coverArt", "starred", "userRating") if name in element}


def without_article(name: str) -> str:
    """Return a name without the article at its beginning, which does not count in an order."""
    return _ARTICLE.sub("", name, count=1) if _ARTICLE.match(name) else name


# --- all -------------------------------------------------------------------------------------------------------------


def marks_of(call: Call, kind: Kind, row_ids: Sequence[int]) -> dict[int, Marks]:
    """Return the marks of the user who calls; none without a user."""
    if call.user_id is None or not row_ids:
        return {}
    return marks.of_items(call.listeners, call.user_id, kind, row_ids)


def _of_marks(mark: Marks) -> Element:
    if mark is _NO_MARKS:
        return {"playCount": 0}
    return {
        "playCount": mark.play_count,
        "played": iso_time(mark.last_played_at),
        "starred": iso_time(mark.starred_at),
        "userRating": mark.rating,
    }


def _one(found: list[Element]) -> Element:
    if not found:
        raise ids.not_found()
    return found[0]


def _named(names: Iterable[str]) -> list[Element]:
    return [{"name": name} for name in names]


def _references(found: Iterable[tuple[int, str]]) -> list[Element]:
    return [{"id": f"ar-{artist_id}", "name": name} for artist_id, name in found]


def _texts(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(v) for v in value] if isinstance(value, list) else [str(value)]


def _first(value: Any) -> str:
    if isinstance(value, list):
        return str(value[0]) if value else ""
    return "" if value is None else str(value)
