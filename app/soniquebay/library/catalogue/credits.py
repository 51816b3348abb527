"""Credits: whom a tag names, and which parts of it are artists of their own."""

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from soniquebay.library.catalogue.names import normalised_name, split_guests, split_joined

Segment = tuple[str, str]  # a name, and the join before it


class Part(NamedTuple):
    """A part of a credit.

    `segments` are the names into which `resolve` may split the part; a part that is surely one artist has none. `mbid`
    is empty without one. With segments it is the id of the whole, or of the first artist alone.
    """

    name: str
    mbid: str
    segments: tuple[Segment, ...] = ()


class Credit(NamedTuple):
    """Whom a tag names: the text as people see it, and its parts."""

    text: str
    parts: tuple[Part, ...]


class Name(NamedTuple):
    """One artist as a file names it; `mbid` is empty without one."""

    name: str
    mbid: str


KnownIds = Callable[[str], Collection[str]]

_BACKING_BAND_STARTS = ("the ", "his ", "her ", "their ", "los ", "las ", "les ", "die ", "friends", "sons")
_PARTIAL_EVIDENCE_JOINS = frozenset({";", "&", "＆", ",", "、", "，", "/", "x", "×", "+", "vs", "vs."})
# From coarse to fine; the number of MusicBrainz ids tells how fine a joined credit has to be split.
_WITH = frozenset({"with"})
_SIGNS = frozenset({";", "、", "，", "/", "&", "＆", "+", "×", "x", "vs", "vs."})
_WORDS = frozenset({"and", "und", "et", "y", "og", "och"})
_JOIN_LEVELS: tuple[frozenset[str], ...] = (
    _WITH,
    _WITH | {";"},
    _WITH | {"/"},
    _WITH | _SIGNS,
    _WITH | _SIGNS | _WORDS,
    _WITH | {",", ";", "、", "，", "/", "&", "＆"},
    _WITH | _SIGNS | _WORDS | {","},
)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def mbids(values: Iterable[str]) -> list[str]:
    """Return every MusicBrainz id in some values, lower-case; taggers join several with "/" or ";"."""
    return [mbid for value in values for mbid in _UUID.findall(value.lower())]


def credit(
    values: Sequence[str],
    names: Sequence[str],
    ids: Sequence[str],
    *,
    artist_joins: frozenset[str] = frozenset(),
    splits_at_with: bool = True,
) -> Credit | None:
    """Return the credit of a tag.

    `values` are those of the tag itself (ARTIST), `names` those of the tag that lists single names (ARTISTS), `ids` the
    MusicBrainz ids beside them. Ids are only used where it is certain which name each belongs to. "with" names a
    partner, but a whole album is rather by a band that is called so (`splits_at_with`). At `artist_joins` a credit is
    always split.
    """
    if not values and not names:
        return None
    return _credit(tuple(values), tuple(names), tuple(ids), artist_joins, splits_at_with)


@lru_cache(2048)
def _credit(
    values: tuple[str, ...],
    names: tuple[str, ...],
    ids: tuple[str, ...],
    artist_joins: frozenset[str],
    splits_at_with: bool,
) -> Credit:
    text, several = _text_and_names(values, names)
    if several:
        if len(ids) != len(several):
            ids = ("",) * len(several)
        return Credit(text, tuple(Part(name, mbid) for name, mbid in zip(several, ids, strict=True)))
    guests = split_guests(text)
    if artist_joins:
        guests = [name for guest in guests for name in _merged(split_joined(guest), artist_joins)]
    segments = [split_joined(part) for part in guests]
    aligned = _align(segments, ids)
    if aligned:
        return Credit(text, aligned)
    # A single id beside a credit with guests is that of the main artist.
    main_id = ids[0] if len(ids) == 1 else ""
    return Credit(
        text,
        tuple(
            Part(guest, "" if index else main_id, _if_several(found, splits_at_with))
            for index, (guest, found) in enumerate(zip(guests, segments, strict=True))
        ),
    )


def _text_and_names(values: tuple[str, ...], names: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Return the text of a credit, and the names that the tags list one by one, if they do."""
    if len(names) > 1 or (names and values and names != values[:1]):
        return ", ".join(values or names), _distinct(names)
    if len(values) > 1:
        # Some taggers write the joined credit first, and then each name of it.
        for value in values:
            others = _distinct(other for other in values if other != value)
            if len(others) > 1 and all(other in value for other in others):
                return value, others
        distinct = _distinct(values)
        return ", ".join(distinct), distinct if len(distinct) > 1 else ()
    return (values or names)[0], ()


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _if_several(segments: list[Segment], splits_at_with: bool) -> tuple[Segment, ...]:
    if not splits_at_with and any(join in _WITH for _, join in segments):
        return ()
    return tuple(segments) if len(segments) > 1 else ()


def _align(segments: list[list[Segment]], ids: tuple[str, ...]) -> tuple[Part, ...]:
    """Return the parts of a credit that has as many names as ids, at the coarsest level that fits; else nothing."""
    if len(ids) < 2:
        return ()
    for joins in (frozenset[str](), *_JOIN_LEVELS):
        names = [name for part in segments for name in _merged(part, joins)]
        if len(names) == len(ids):
            return tuple(Part(name, mbid) for name, mbid in zip(names, ids, strict=True))
    return ()


def _merged(segments: Sequence[Segment], joins: frozenset[str]) -> list[str]:
    """Return the names of a part that is split at these joins only."""
    groups: list[list[Segment]] = []
    for name, join in segments:
        if groups and join not in joins:
            groups[-1].append((name, join))
        else:
            groups.append([(name, "")])
    return [_joined_text(group) for group in groups]


def _joined_text(segments: Sequence[Segment]) -> str:
    text = segments[0][0]
    for name, join in segments[1:]:
        text += f"{join} {name}" if join in {",", ";"} else join + name if join in "、，/" else f" {join} {name}"
    return text


@lru_cache(4096)
def sure_names(found: Credit) -> frozenset[tuple[str, str]]:
    """Return the names of a credit that need no evidence, each of one artist: normalised name and id."""
    return frozenset((normalised_name(part.name), part.mbid) for part in found.parts if part.mbid or not part.segments)


@lru_cache(4096)
def names_in_doubt(found: Credit) -> frozenset[str]:
    """Return the normalised names on which `resolve` depends for this credit."""
    return frozenset(
        normalised
        for part in found.parts
        for length in range(1, len(part.segments) + 1)
        for start in range(len(part.segments) - length + 1)
        if (normalised := normalised_name(_run(part, start, start + length)))
    )


def _run(part: Part, start: int, end: int) -> str:
    whole = start == 0 and end == len(part.segments)
    return part.name if whole else _joined_text(part.segments[start:end])


def resolve(found: Credit, known_ids: KnownIds, album_artist_names: frozenset[str] = frozenset()) -> list[Name]:
    """Return the artists of a credit.

    `known_ids` returns the MusicBrainz ids that files give to a normalised name where it surely is one artist; "" is a
    file without an id, and a name that is not known has no element. `album_artist_names` are the normalised names of
    the album's artists. A joined part is split where that is evident:

    - not at all, if the whole is a known artist;
    - at "with";
    - into known artists, the longest names first, if it consists of nothing else;
    - after the album's artist, or before it;
    - after a known artist, if there are two segments and the second is no backing band.
    """
    if len(found.parts) == 1 and not found.parts[0].segments:
        return [Name(found.parts[0].name, found.parts[0].mbid)]
    names: list[Name] = []
    for part in found.parts:
        if part.mbid:
            names += _split_with_id(part, known_ids)
        elif part.segments:
            names += [Name(name, "") for name in _split(part, known_ids, album_artist_names)]
        else:
            names.append(Name(part.name, ""))
    distinct: dict[str, Name] = {}
    for name in names:
        distinct.setdefault(name.mbid or normalised_name(name.name), name)
    return list(distinct.values())


def _split_with_id(part: Part, known_ids: KnownIds) -> list[Name]:
    """Split a joined part whose id other files give to its first artist: some taggers write only that one."""
    count = len(part.segments)
    for end in range(1, count):
        name = _run(part, 0, end)
        if part.mbid in known_ids(normalised_name(name)):
            return [Name(name, part.mbid), Name(_run(part, end, count), "")]
    return [Name(part.name, part.mbid)]


def _split(part: Part, known_ids: KnownIds, album_artist_names: frozenset[str]) -> list[str]:
    whole = normalised_name(part.name)
    if known_ids(whole) or whole in album_artist_names:
        return [part.name]
    pieces = _merged(part.segments, _JOIN_LEVELS[0])
    if len(pieces) > 1:
        return [name for piece in pieces for name in _split_piece(piece, known_ids, album_artist_names)]
    return (
        _known_runs(part, known_ids)
        or _around_album_artist(part, album_artist_names)
        or _after_known_artist(part, known_ids)
        or [part.name]
    )


def _split_piece(name: str, known_ids: KnownIds, album_artist_names: frozenset[str]) -> list[str]:
    segments = split_joined(name)
    return _split(Part(name, "", tuple(segments)), known_ids, album_artist_names) if len(segments) > 1 else [name]


def _known_runs(part: Part, known_ids: KnownIds) -> list[str]:
    """Return the part as a sequence of known artists, each as long as possible; nothing if it is none."""
    count = len(part.segments)
    best: list[list[str] | None] = [None] * count + [[]]
    for start in range(count - 1, -1, -1):
        for end in range(start + 1, count + 1):
            rest = best[end]
            name = _run(part, start, end)
            if rest is not None and known_ids(normalised_name(name)):
                candidate = [name, *rest]
                current = best[start]
                if current is None or len(candidate) < len(current):
                    best[start] = candidate
    return best[0] or []


def _around_album_artist(part: Part, album_artist_names: frozenset[str]) -> list[str]:
    count = len(part.segments)
    for end in range(count - 1, 0, -1):
        if normalised_name(_run(part, 0, end)) in album_artist_names:
            return [_run(part, 0, end), _run(part, end, count)]
    for start in range(1, count):
        if normalised_name(_run(part, start, count)) in album_artist_names:
            return [_run(part, 0, start), _run(part, start, count)]
    return []


def _after_known_artist(part: Part, known_ids: KnownIds) -> list[str]:
    if len(part.segments) != 2:
        return []
    (first, _), (second, join) = part.segments
    if join not in _PARTIAL_EVIDENCE_JOINS or second.casefold().startswith(_BACKING_BAND_STARTS):
        return []
    if known_ids(normalised_name(first)) or (" " in second and known_ids(normalised_name(second))):
        return [first, second]
    return []
