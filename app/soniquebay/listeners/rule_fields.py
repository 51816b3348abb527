"""The fields of the rules of smart playlists: where each is read, and by which operators it is compared."""

from collections.abc import Mapping
from dataclasses import dataclass

from soniquebay.audio.camelot import KEYS_BY_CAMELOT_CODE


@dataclass(frozen=True, slots=True)
class Field:
    """What rules compare."""

    kind: str
    """`text`, `number`, `flag`, `day` (ISO 8601, as exact as it is tagged), `time` (Unix time), `similar`, `tag`."""
    sql: str
    within: str = ""
    """Where a track has several values: the condition for one, with `{}` in its place."""
    spellings: Mapping[str, str] | None = None
    """Other spellings of a whole text, in upper case."""


def _tag(name: str) -> str:
    return f"(SELECT f.tags ->> '$.{name}' FROM library.file_tags f WHERE f.track_id = t.id)"


def _sound(name: str) -> str:
    return f"(SELECT f.sound ->> '$.{name}' FROM library.file_tags f WHERE f.track_id = t.id)"


def _credited(role: str) -> str:
    return f"EXISTS (SELECT 1 FROM library.track_artists c WHERE c.track_id = t.id AND c.role = '{role}' AND ({{}})) "


_GENRE = (
    "EXISTS (SELECT 1 FROM library.track_genres tg JOIN library.genres g ON g.id = tg.genre_id "
    "WHERE tg.track_id = t.id AND ({}))"
)
# Below the folder of music: who may not manage is not told, and cannot find out, where that folder lies.
_PATH = (
    "coalesce((SELECT substr(t.path, length(rtrim(f.path, '/')) + 2) FROM library.roots f "
    "WHERE substr(t.path, 1, length(rtrim(f.path, '/')) + 1) = rtrim(f.path, '/') || '/' "
    "ORDER BY length(f.path) DESC LIMIT 1), '')"
)
_ALBUM_ARTIST = "EXISTS (SELECT 1 FROM library.album_artists c WHERE c.album_id = t.album_id AND ({}))"
FIELDS = {
    "title": Field("text", "t.title"),
    "sorttitle": Field("text", "t.sort_title"),
    "album": Field("text", "b.title"),
    "artist": Field("text", "t.credit", f"(t.credit {{0}} OR {_credited('artist').format('c.name {0}')})"),
    "albumartist": Field("text", "b.credit", f"(b.credit {{0}} OR {_ALBUM_ARTIST.format('c.name {0}')})"),
    "composer": Field("text", _tag("composer"), _credited("composer").format("c.name {0}")),
    "genre": Field(
        "text",
        "(SELECT g.sort_name FROM library.track_genres tg JOIN library.genres g ON g.id = tg.genre_id "
        "WHERE tg.track_id = t.id ORDER BY tg.position LIMIT 1)",
        _GENRE.format("g.name {0}"),
    ),
    "comment": Field("text", _tag("comment")),
    "lyrics": Field("text", _tag("lyrics")),
    "mood": Field("text", _tag("mood")),
    "grouping": Field("text", _tag("grouping")),
    "discsubtitle": Field("text", "t.disc_subtitle"),
    "filepath": Field("text", _PATH),
    "filetype": Field("text", "t.format"),
    "codec": Field("text", _sound("codec")),
    "key": Field("text", "v.musical_key", spellings=KEYS_BY_CAMELOT_CODE),
    "tracknumber": Field("number", "t.track_no"),
    "discnumber": Field("number", "t.disc_no"),
    "year": Field("number", "t.year"),
    "originalyear": Field("number", "CAST(substr(t.original_date, 1, 4) AS INTEGER)"),
    "duration": Field("number", "t.duration"),
    "size": Field("number", "t.size"),
    "bitrate": Field("number", f"{_sound('bit_rate')} / 1000"),  # Navidrome's is in kbit/s
    "bitdepth": Field("number", _sound("bit_depth")),
    "channels": Field("number", _sound("channels")),
    "bpm": Field("number", "v.bpm"),
    "playcount": Field("number", "coalesce(p.play_count, 0)"),
    "rating": Field("number", "coalesce(r.rating, 0)"),
    "compilation": Field("flag", "coalesce(b.compilation, 0)"),
    "hascoverart": Field("flag", "b.cover_sha256 IS NOT NULL"),
    "loved": Field("flag", "s.starred_at IS NOT NULL"),
    "date": Field("day", "t.date"),
    "originaldate": Field("day", "t.original_date"),
    "dateadded": Field("time", "t.added_at"),
    "datemodified": Field("time", "t.mtime_ns / 1e9"),
    "dateloved": Field("time", "s.starred_at"),
    "lastplayed": Field("time", "p.last_played_at"),
    "similarto": Field("similar", ""),
    "tag": Field("tag", ""),
}
# Operators, by the kinds of fields that they compare; and those that are the opposite of another.
OPERATORS = {
    "text": {"is", "contains", "startswith", "endswith"},
    "number": {"is", "gt", "lt", "intherange"},
    "flag": {"is"},
    "day": {"is", "gt", "lt", "before", "after", "intherange"},
    "time": {"before", "after", "gt", "lt", "intherange", "inthelast"},
    "similar": {"is"},
    "tag": {"is"},
}
OPPOSITES = {"isnot": "is", "notcontains": "contains", "notinthelast": "inthelast"}
