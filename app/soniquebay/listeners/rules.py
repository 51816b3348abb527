"""Smart playlists: rules as JSON, which select tracks whenever the playlist is read.

The form is that of Navidrome's `.nsp` files, with some more fields:

    {"all": [{"is": {"loved": true}}, {"any": [{"gt": {"rating": 3}}, {"inTheLast": {"lastPlayed": 30}}]}],
     "sort": "-playCount,title", "limit": 100}
"""

import json
import math
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from soniquebay.library.similarity.tag_names import UnknownTagError, tag_named
from soniquebay.listeners.playlists import MAX_COMMENT_CHARACTERS, MAX_ENTRIES, MAX_NAME_CHARACTERS
from soniquebay.listeners.rule_fields import FIELDS, OPERATORS, OPPOSITES, Field

MAX_CONDITIONS = 100  # SQLite reads each for every track
MAX_DEPTH = 10  # of `all` and `any` within each other
MAX_TEXT_CHARACTERS = 1_000  # of a value
MAX_RULES_CHARACTERS = 100_000  # as JSON: 100 conditions of the longest values
_DAY_SECONDS = 86400.0
_MAX_NUMBER = 2.0**53


@dataclass(frozen=True, slots=True)
class BySound:
    """Finds tracks by their sound."""

    similar: Callable[[int], Sequence[int]]
    """Returns the ids of the tracks that sound like one."""
    tagged: Callable[[str], Sequence[int]]
    """Returns the ids of the tracks of which a sound tag is guessed."""


_NOTHING_HEARD = BySound(lambda _: (), lambda _: ())


class UnacceptableRulesError(ValueError):
    """Rules are not as described. The text says what is wrong."""


@dataclass(frozen=True, slots=True)
class SmartPlaylist:
    """Rules that were checked, with the name and comment of a file."""

    name: str | None
    comment: str
    rules: dict[str, Any]
    sort: tuple[tuple[str, bool], ...]
    """Fields, in lower case, and whether each is descending."""
    limit: int


class Sql(NamedTuple):
    """A condition or a query, with the values of its parameters."""

    text: str
    values: tuple[Any, ...] = ()


_LIKE = {"contains": "%{}%", "startswith": "{}%", "endswith": "%{}"}

_QUERY = """
SELECT t.id FROM library.tracks t LEFT JOIN library.albums b ON b.id = t.album_id
LEFT JOIN library.vectors v ON v.track_id = t.id LEFT JOIN items i ON i.kind = 'track' AND i.library_id = t.id
LEFT JOIN stars s ON s.item_id = i.id AND s.user_id = ? LEFT JOIN ratings r ON r.item_id = i.id AND r.user_id = ?
LEFT JOIN play_counts p ON p.item_id = i.id AND p.user_id = ?
"""


def parse(document: object) -> SmartPlaylist:
    """Check rules: what `json.loads` has returned. Raises `UnacceptableRulesError`."""
    if not isinstance(document, Mapping):
        raise UnacceptableRulesError("rules are an object of JSON")
    known = {str(key).lower(): value for key, value in document.items()}
    rules: dict[str, Any] = {key: known[key] for key in ("all", "any") if key in known}
    if len(rules) != 1:
        raise UnacceptableRulesError('rules have either "all" or "any"')
    limit = known.get("limit", 0)
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 0:
        raise UnacceptableRulesError("limit is a number of tracks")
    playlist = SmartPlaylist(
        _text(known, "name", MAX_NAME_CHARACTERS) or None,
        _text(known, "comment", MAX_COMMENT_CHARACTERS),
        rules,
        _sort(_text(known, "sort", MAX_TEXT_CHARACTERS), _text(known, "order", MAX_TEXT_CHARACTERS)),
        min(limit, MAX_ENTRIES) or MAX_ENTRIES,
    )
    query(playlist, 0, 0.0, _NOTHING_HEARD)
    return playlist


def read(data: bytes) -> SmartPlaylist:
    """Read a file, as `parse` does."""
    try:
        document = json.loads(data.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError) as error:
        raise UnacceptableRulesError(f"it is no JSON: {error}") from error
    return parse(document)


def checked(document: object) -> str:
    """Return rules as they are stored, in JSON. Raises as `parse` does."""
    parse(document)
    try:
        text = json.dumps(document, ensure_ascii=False, allow_nan=False)
        text.encode()
    except ValueError as error:  # half a character, or infinity
        raise UnacceptableRulesError(f"the rules cannot be stored: {error}") from error
    if len(text) > MAX_RULES_CHARACTERS:
        raise UnacceptableRulesError(f"rules have at most {MAX_RULES_CHARACTERS} characters")
    return text


def query(playlist: SmartPlaylist, user_id: int, now: float, by_sound: BySound) -> Sql:
    """Return the query for the ids of the tracks that a user's rules select at a time (Unix seconds)."""
    where = _Compiler(user_id, now, by_sound).group(playlist.rules, 1)
    order = ", ".join(
        "random()" if name == "random" else f"{FIELDS[name].sql} COLLATE NOCASE {'DESC' * descending}"
        for name, descending in playlist.sort
    )
    return Sql(
        f"{_QUERY}WHERE t.missing_since IS NULL AND {where.text} ORDER BY {order or 't.sort_title'}, t.id LIMIT ?",
        (user_id, user_id, user_id, *where.values, playlist.limit),
    )


def select(db: sqlite3.Connection, playlist: SmartPlaylist, user_id: int, now: float, by_sound: BySound) -> list[int]:
    """Return the ids of the tracks that a user's rules select, from a reader."""
    return [row["id"] for row in db.execute(*query(playlist, user_id, now, by_sound))]


class _Compiler:
    """Makes conditions of SQL. Names come from tables of this module alone, and values are always bound."""

    def __init__(self, user_id: int, now: float, by_sound: BySound) -> None:
        self._user_id = user_id
        self._now = now
        self._by_sound = by_sound
        self._conditions = 0

    def group(self, rules: Mapping[str, Any], depth: int) -> Sql:
        if depth > MAX_DEPTH:
            raise UnacceptableRulesError(f'"all" and "any" are at most {MAX_DEPTH} deep')
        [(word, members)] = rules.items()
        if not isinstance(members, list) or not members:
            raise UnacceptableRulesError(f'"{word}" has a list of conditions')
        found = [self._member(member, depth) for member in members]
        joined = (" AND " if word.lower() == "all" else " OR ").join(condition.text for condition in found)
        return Sql(f"({joined})", tuple(value for condition in found for value in condition.values))

    def _member(self, member: object, depth: int) -> Sql:
        if not isinstance(member, Mapping) or len(member) != 1:
            raise UnacceptableRulesError('a condition is an object with one operator, as {"is": {"loved": true}}')
        [(operator, said)] = member.items()
        operator = str(operator).lower()
        if operator in {"all", "any"}:
            return self.group({operator: said}, depth + 1)
        self._conditions += 1
        if self._conditions > MAX_CONDITIONS:
            raise UnacceptableRulesError(f"there are at most {MAX_CONDITIONS} conditions")
        if not isinstance(said, Mapping) or len(said) != 1:
            raise UnacceptableRulesError(f'"{operator}" has an object with one field')
        [(name, value)] = said.items()
        if operator in {"inplaylist", "notinplaylist"}:
            return self._in_playlist(value, negated=operator == "notinplaylist")
        return self._condition(operator, str(name), value)

    def _condition(self, operator: str, name: str, value: object) -> Sql:
        field = FIELDS.get(name.lower())
        if field is None:
            raise UnacceptableRulesError(f"there is no field {name[:100]}")
        plain = OPPOSITES.get(operator, operator)
        if plain not in OPERATORS[field.kind]:
            raise UnacceptableRulesError(f"{name} cannot be compared by {operator[:100]}")
        if field.kind == "similar":
            condition = _among(self._by_sound.similar(_whole(value, name)))
        elif field.kind == "tag":
            condition = _among(self._by_sound.tagged(_sound_tag(value, name)))
        elif field.kind == "text":
            condition = _text_condition(field, plain, _string(value, name))
        elif field.kind == "flag":
            if str(value).lower() not in {"true", "false"}:
                raise UnacceptableRulesError(f"{name} is true or false")
            condition = Sql(f"({field.sql}) = ?", (int(str(value).lower() == "true"),))
        else:
            condition = self._comparison(field, plain, name, value)
        # What has no value is not what is looked for, so it fulfils the opposite.
        return Sql(f"NOT coalesce({condition.text}, 0)", condition.values) if plain != operator else condition

    def _comparison(self, field: Field, operator: str, name: str, value: object) -> Sql:
        if operator == "inthelast":
            return Sql(f"{field.sql} >= ?", (self._now - _number(value, name) * _DAY_SECONDS,))
        read = {"number": _number, "day": _day, "time": _time}[field.kind]
        if operator == "intherange":
            if not isinstance(value, list) or len(value) != 2:
                raise UnacceptableRulesError(f"inTheRange of {name} has two values")
            return Sql(f"{field.sql} BETWEEN ? AND ?", (read(value[0], name), read(value[1], name)))
        sign = {"is": "=", "gt": ">", "after": ">", "lt": "<", "before": "<"}[operator]
        return Sql(f"{field.sql} {sign} ?", (read(value, name),))

    def _in_playlist(self, value: object, *, negated: bool) -> Sql:
        return Sql(
            f"{'NOT ' * negated}EXISTS (SELECT 1 FROM playlist_entries e JOIN playlists l ON l.id = e.playlist_id "
            "WHERE e.item_id = i.id AND e.playlist_id = ? AND (l.user_id = ? OR l.is_public))",
            (_whole(value, "inPlaylist"), self._user_id),
        )


def _among(ids: Sequence[int]) -> Sql:
    return Sql("t.id IN (SELECT value FROM json_each(?))", (json.dumps(list(ids)),))


def _text_condition(field: Field, operator: str, value: str) -> Sql:
    """Return a condition on text, in which ASCII letters are equal in any case."""
    if operator == "is":
        value = (field.spellings or {}).get(value.upper(), value)
        comparison = "= ? COLLATE NOCASE"
    else:
        comparison = r"LIKE ? ESCAPE '\'"
        escaped = value.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
        value = _LIKE[operator].format(escaped)
    if not field.within:
        return Sql(f"{field.sql} {comparison}", (value,))
    return Sql(field.within.format(comparison), (value,) * field.within.count("{0}"))


def _string(value: object, name: str) -> str:
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise UnacceptableRulesError(f"{name} is compared with a text")
    text = str(value)
    if len(text) > MAX_TEXT_CHARACTERS:
        raise UnacceptableRulesError(f"{name} is compared with at most {MAX_TEXT_CHARACTERS} characters")
    return text.encode("utf-8", "replace").decode()


def _sound_tag(value: object, name: str) -> str:
    try:
        return tag_named(_string(value, name))
    except UnknownTagError as error:
        raise UnacceptableRulesError(str(error)) from error


def _number(value: object, name: str) -> float:
    try:
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not abs(number) <= _MAX_NUMBER:  # nor is NaN
        raise UnacceptableRulesError(f"{name} is compared with a number")
    return number


def _whole(value: object, name: str) -> int:
    number = _number(value, name)
    if not number.is_integer():
        raise UnacceptableRulesError(f"{name} is compared with an id")
    return int(number)


def _day(value: object, name: str) -> str:
    text = str(value)
    _date(text, name)
    return text


def _time(value: object, name: str) -> float:
    return _date(str(value), name).timestamp()


def _date(text: str, name: str) -> datetime:
    for form in ("%Y-%m-%d", "%Y-%m", "%Y"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise UnacceptableRulesError(f"{name} is compared with a date as 2001-12-31")


def _text(known: Mapping[str, Any], name: str, most: int) -> str:
    value = known.get(name, "")
    if not isinstance(value, str) or len(value) > most:
        raise UnacceptableRulesError(f"{name} is a text of at most {most} characters")
    return value.strip()


def _sort(sort: str, order: str) -> tuple[tuple[str, bool], ...]:
    if order.lower() not in {"", "asc", "desc"}:
        raise UnacceptableRulesError("order is asc or desc")
    found = []
    for field in filter(None, (part.strip().lower() for part in sort.split(","))):
        name = field.lstrip("+-")
        if name != "random" and (name not in FIELDS or not FIELDS[name].sql):
            raise UnacceptableRulesError(f"there is no order by {name[:100]}")
        found.append((name, field.startswith("-") != (order.lower() == "desc")))
    return tuple(found)
