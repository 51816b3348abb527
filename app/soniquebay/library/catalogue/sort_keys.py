"""Sort keys: the order in which people look for names and titles, as text that sorts byte by byte."""

import json
import re
import sqlite3
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from soniquebay.library.catalogue.names import normalised_name

MAX_KEY_CHARACTERS = 100
_ARTICLE = re.compile(r"(?:the|an?) (?=\S)")
_NUMBER = re.compile(r"0*(\d+)")
_MAX_DIGITS = 9
# Letters that have no decomposition, and stand between others in the dictionary all the same.
_LETTERS = str.maketrans({"ø": "o", "đ": "d", "ð": "d", "ł": "l", "æ": "ae", "œ": "oe", "þ": "th", "ı": "i", "ħ": "h"})
_LETTER = re.compile(f"[{''.join(map(chr, _LETTERS))}]")


def sort_key(text: str) -> str:
    """Return the sort key of a name or a title.

    It ignores case, accents of Latin and Greek letters, a leading English article, and signs at the beginning. Numbers
    count as numbers: "Part 9" stands before "Part 10". At most `MAX_KEY_CHARACTERS` characters count.
    """
    folded = _fold(text)
    return _numbered(_ARTICLE.sub("", folded, count=1) if _ARTICLE.match(folded) else folded)


def sort_key_as_tagged(text: str) -> str:
    """Return the sort key of a sort tag ("Beatles, The"), which says itself where articles stand."""
    return _numbered(_fold(text))


def _fold(text: str) -> str:
    text = text.casefold()
    if not text.isascii():
        text = unicodedata.normalize("NFC", _without_accents(text))
        if _LETTER.search(text):  # to look for one is quicker than to translate a text without any
            text = text.translate(_LETTERS)
    text = " ".join(text[: 2 * MAX_KEY_CHARACTERS].split())
    if text[:1].isalnum():
        return text
    first = next((place for place, c in enumerate(text) if c.isalnum()), 0)  # a name of nothing but signs stays
    return text[first:]


def _without_accents(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    if not any(map(unicodedata.combining, decomposed)):
        return decomposed
    kept = []
    base = ""
    for c in decomposed:
        if not unicodedata.combining(c):
            base = c
        elif base < "\u0400":  # Latin or Greek. In other scripts a mark makes another letter: и and й.
            continue
        kept.append(c)
    return "".join(kept)


def _numbered(text: str) -> str:
    """Return a text whose numbers begin with how many digits they have."""
    return _NUMBER.sub(_with_length, text)[:MAX_KEY_CHARACTERS]


def _with_length(match: re.Match[str]) -> str:
    return f"{min(len(match[1]), _MAX_DIGITS)}{match[1]}"


_NAMES_AND_SORT_TAGS = [
    (f"{tag}{end}", f"{tag}{end}_sort") for tag in ("artist", "album_artist", "composer") for end in ("", "s")
]
SORT_TAGS = tuple(name for pair in _NAMES_AND_SORT_TAGS for name in pair)  # all that `sort_names_of` looks at


# --- artists ---------------------------------------------------------------------------------------------------------


@lru_cache(4096)  # the tracks of an album repeat the same names
def artist_sort_key(name: str) -> str:
    """Return the sort key of an artist without a sort name."""
    return sort_key(name)


def count_sort_names(db: sqlite3.Connection, changes: Mapping[tuple[str, str], int]) -> set[str]:
    """Add to how many files give a normalised name a sort name; return the normalised names that this concerns."""
    rows = [(*pair, change) for pair, change in changes.items() if change]
    db.executemany(
        "INSERT INTO sort_names (normalised_name, sort_name, files) VALUES (?, ?, ?) "
        "ON CONFLICT (normalised_name, sort_name) DO UPDATE SET files = files + excluded.files",
        rows,
    )
    db.executemany(
        "DELETE FROM sort_names WHERE normalised_name = ? AND sort_name = ? AND files = 0", [row[:2] for row in rows]
    )
    return {row[0] for row in rows}


def choose_sort_names(db: sqlite3.Connection, normalised_names: Iterable[str] | None = None) -> None:
    """Write the sort keys of the artists with these names, None for all artists.

    A sort name is the one that most files give, of equally frequent ones the largest; else MusicBrainz's.
    """
    where = ""
    values: tuple[str, ...] = ()
    if normalised_names is not None:
        names = json.dumps(list(normalised_names))
        where, values = "WHERE a.normalised_name IN (SELECT value FROM json_each(?))", (names,)
    rows = db.execute(
        "SELECT a.id, a.name, a.sort_name, m.sort_name AS online, (SELECT s.sort_name FROM sort_names s "
        "WHERE s.normalised_name = a.normalised_name ORDER BY s.files DESC, s.sort_name DESC LIMIT 1) AS tagged "
        f"FROM artists a LEFT JOIN mb_artists m ON m.mbid = a.mbid {where}",
        values,
    ).fetchall()
    for row in rows:
        stated = row["tagged"] or row["online"]
        key = sort_key_as_tagged(stated) if stated else artist_sort_key(row["name"])
        if key != row["sort_name"]:
            db.execute("UPDATE artists SET sort_name = ? WHERE id = ?", (key, row["id"]))


def sort_names_of(tags: Mapping[str, str | Sequence[str]]) -> tuple[tuple[str, str], ...]:
    """Return the names that a file gives a sort name to, each with that: (normalised name, sort name)."""
    pairs: dict[tuple[str, str], None] = {}
    for of_names, of_sort_names in _NAMES_AND_SORT_TAGS:
        if of_sort_names in tags and of_names in tags:
            names, sort_names = _list(tags[of_names]), _list(tags[of_sort_names])
            if len(names) == len(sort_names):
                for name, sort_name in zip(names, sort_names, strict=True):
                    if sort_name.strip():
                        pairs[normalised_name(name), sort_name] = None
    return tuple(pairs)


def _list(value: str | Sequence[str]) -> Sequence[str]:
    return [value] if isinstance(value, str) else value
