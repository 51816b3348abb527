"""Answering a question: which tracks, albums, artists or genres it finds, the best first.

A hit belongs to the first of these classes that it fits: a name is what was asked for; a name begins with it; one name
has all its words; the names together have them; the genre, the path or the lyrics have the rest. Where the title
decides a class, shorter titles come first. If few are found, those follow that are found with typing errors.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from soniquebay.audio.file_names import AUDIO_SUFFIXES
from soniquebay.library.search import spelling, text
from soniquebay.sqlite import plain_cursor

Kind = Literal["track", "album", "artist", "genre"]
Condition = Literal["is", "begins", "has words"]

MAX_COUNTED_HITS = 10_000
MAX_COMPARED_HITS = 200  # up to so many hits are read and compared one by one; more are found class by class
MIN_EXACT_HITS = 10  # with fewer, typing errors are forgiven
MAX_FORGIVEN_HITS = 100
MAX_FORGIVEN_WORDS = 3  # looking for similar words takes about a millisecond a word; a longer question is meant so
MAX_JOINED_WORDS = 3  # of a question whose words are joined in pairs, too: "ac dc" finds "ACDC"


@dataclass(frozen=True, slots=True)
class SearchHits:
    """Ids of the items found, best first, and their number as far as it was counted.

    `similar`: how many of all do not have the words themselves, but similar ones. They come last.
    """

    ids: list[int]
    total: int
    similar: int = 0


@dataclass(frozen=True, slots=True)
class _Class:
    """Hits that fulfil a condition in some columns together."""

    columns: tuple[str, ...]
    condition: Condition


@dataclass(frozen=True, slots=True)
class _Table:
    """An FTS5 table: its columns of names, the first of which is the title, and other columns in order of weight."""

    name: str
    names: tuple[str, ...]
    others: tuple[str, ...] = ()
    present: str = ""  # SQL condition of a hit that is shown

    @property
    def columns(self) -> tuple[str, ...]:
        return self.names + self.others

    def widening(self) -> list[tuple[str, ...]]:
        """Return the columns of names, and these with one more of the others each time."""
        return [self.columns[:end] for end in range(len(self.names), len(self.columns) + 1)]

    def classes(self) -> list[_Class]:
        """Return the classes of hits, best first."""
        conditions: tuple[Condition, ...] = ("is", "begins", "has words")
        of_one_name = [_Class((column,), condition) for condition in conditions for column in self.names]
        return [*of_one_name, *(_Class(columns, "has words") for columns in self.widening())]


_TABLES: dict[Kind, _Table] = {
    "track": _Table("search_tracks", ("title", "artist", "album"), ("genre", "path", "lyrics")),
    # Albums, artists and genres whose tracks are all missing are hidden.
    "album": _Table(
        "search_albums",
        ("title", "artist"),
        present="EXISTS (SELECT 1 FROM tracks t WHERE t.album_id = s.rowid AND t.missing_since IS NULL)",
    ),
    "artist": _Table(
        "search_artists",
        ("name",),
        present="(EXISTS (SELECT 1 FROM track_artists c JOIN tracks t ON t.id = c.track_id "
        "WHERE c.artist_id = s.rowid AND t.missing_since IS NULL) OR EXISTS "
        "(SELECT 1 FROM album_artists c JOIN tracks t ON t.album_id = c.album_id "
        "WHERE c.artist_id = s.rowid AND t.missing_since IS NULL))",
    ),
    "genre": _Table(
        "search_genres",
        ("name",),
        present="EXISTS (SELECT 1 FROM track_genres g JOIN tracks t ON t.id = g.track_id "
        "WHERE g.genre_id = s.rowid AND t.missing_since IS NULL)",
    ),
}


# A token of a question; one that ends in "*" stands for every token that begins so. Folded signs are never ASCII.
_Word = tuple[tuple[str, ...], ...]  # alternatives, each with all of its tokens


@dataclass(frozen=True, slots=True)
class _Question:
    """What is looked for, as tokens."""

    whole: tuple[str, ...]  # a field that is the question
    begins: tuple[str, ...]  # a field that begins with it
    readings: tuple[tuple[_Word, ...], ...]  # one of them must be there with all of its words


def find(
    db: sqlite3.Connection, query: str, limit: int, offset: int, kind: Kind = "track", *, counted: bool = True
) -> SearchHits:
    """Return the tracks, albums, artists or genres that a text finds: those that have every word of it.

    The last word is a prefix if it has two letters or more. With fewer than `MIN_EXACT_HITS` hits, those that have
    similar words follow. Hits are counted up to `MAX_COUNTED_HITS`, and no further than their order needs if not
    `counted`.
    """
    words = text.parse_question(query)
    if not words:
        return SearchHits([], 0)
    table = _TABLES[kind]
    whole = text.whole_field_tokens(query)
    question = _Question(tuple(whole), tuple(map(_prefix, whole)), _readings(words))
    most = MAX_COUNTED_HITS if counted else MAX_COMPARED_HITS + 1
    ids, total = _Search(db, table, question).hits(offset + limit, most)
    exact = total
    if total < MIN_EXACT_HITS and (not ids or len(words) <= MAX_FORGIVEN_WORDS):
        ids += _forgiven(db, table, words, set(ids))
        total = len(ids)
    return SearchHits(ids[offset : offset + limit], total, total - exact)


def _readings(words: Sequence[text.Word]) -> tuple[tuple[_Word, ...], ...]:
    """Return the words as they are, and with each pair of plain words joined."""
    typed = [word.alternatives for word in words]
    readings = [typed]
    if len(words) <= MAX_JOINED_WORDS:
        for i, (one, other) in enumerate(pairwise(words)):
            if one.spelling and other.spelling:
                readings.append([*typed[:i], ((one.spelling + other.spelling,),), *typed[i + 2 :]])
    return tuple((*reading[:-1], _as_prefix(reading[-1])) for reading in readings)


def _as_prefix(word: _Word) -> _Word:
    return tuple((*tokens[:-1], _prefix(tokens[-1])) for tokens in word)


def _prefix(token: str) -> str:
    """Return the token as a prefix if it has two letters: with one, half the library would match.

    The suffix of a file is none either: every file has one, and FTS5 collects all hits of a prefix first.
    """
    return (
        f"{token}*"
        if len(token.removeprefix(text.WHOLE_FIELD_MARK)) > 1 and f".{token}" not in AUDIO_SUFFIXES
        else token
    )


@dataclass(frozen=True, slots=True)
class _Search:
    """One question to one table."""

    db: sqlite3.Connection
    table: _Table
    question: _Question

    def hits(self, wanted: int, most: int) -> tuple[list[int], int]:
        """Return the first ids, at least so many as wanted if there are, and the number of all, counted up to `most`.

        `most` is more than `MAX_COMPARED_HITS`.
        """
        ids = self._ids(self._match(self.table.columns, "has words"), most)
        # By itself, and where it counts: FTS5 collects all names that begin so first, 40 ms for 100,000 of them.
        if self.question.whole and len(ids) < most:
            beginning = self._ids(self._match(self.table.names, "begins"), most)
            ids = list(dict.fromkeys(ids + beginning))[:most]
        if len(ids) <= MAX_COMPARED_HITS:
            return self._compared(ids), len(ids)
        found: dict[int, None] = {}
        for one in self._classes():
            if len(found) < wanted:
                self._add(found, one, wanted)
        return list(found), len(ids)

    def _classes(self) -> Iterator[_Class]:
        """Yield the classes to ask for, the best first. The title alone has enough hits most often."""
        title, names = self.table.names[:1], self.table.names
        if self.question.whole:
            yield from (_Class(title, "is"), _Class(names, "is"), _Class(title, "begins"), _Class(names, "begins"))
        yield _Class(title, "has words")
        yield from (_Class(columns, "has words") for columns in self.table.widening())

    def _add(self, found: dict[int, None], one: _Class, wanted: int) -> None:
        """Add the hits of a class to those found before, until there are enough."""
        limit = max(wanted, len(found) + MAX_COMPARED_HITS + 1)
        ids = [i for i in self._ids(self._match(one.columns, one.condition), limit) if i not in found]
        names = self.table.names
        if len(ids) <= MAX_COMPARED_HITS:
            ids = self._compared(ids)
        elif one.columns == names and len(names) > 1:
            for column in names[1:]:  # those of the title are found
                if len(found) < wanted:
                    self._add(found, _Class((column,), one.condition), wanted)
        found.update(dict.fromkeys(ids))

    def _ids(self, match: str, limit: int) -> list[int]:
        cursor = plain_cursor(self.db)
        table = self.table
        where = f"{table.name} MATCH ?{' AND ' if table.present else ''}{table.present}"
        return [i for (i,) in cursor.execute(f"SELECT rowid FROM {table.name} s WHERE {where} LIMIT ?", (match, limit))]

    def _match(self, columns: Iterable[str], *conditions: Condition) -> str:
        """Return FTS5's expression for hits that fulfil one of the conditions in these columns."""
        expressions: list[str] = []
        if "is" in conditions:
            expressions += map(_quoted, self.question.whole)
        if "begins" in conditions:
            expressions += map(_quoted, self.question.begins)
        if "has words" in conditions:
            expressions += [" AND ".join(map(_any_of, reading)) for reading in self.question.readings]
        return f"{{{' '.join(columns)}}} : ({' OR '.join(f'({expression})' for expression in expressions)})"

    def _compared(self, ids: list[int]) -> list[int]:
        """Return hits in the order of their classes."""
        columns, title = self.table.columns, self.table.names[0]
        rows = self.db.execute(
            f"SELECT rowid, {', '.join(columns)} FROM {self.table.name} "
            "WHERE rowid IN (SELECT value FROM json_each(?))",
            (json.dumps(ids),),
        )
        classes = self.table.classes()

        def key(row: sqlite3.Row) -> tuple[int, int, int]:
            content = {column: f" {row[column]} " for column in columns}
            place = next((i for i, one in enumerate(classes) if self._fits(content, one)), len(classes) - 1)
            letters = len(row[title]) if classes[place].columns == (title,) else 0
            return place, letters, row["rowid"]

        return [i for _, _, i in sorted(map(key, rows))]

    def _fits(self, content: dict[str, str], one: _Class) -> bool:
        """Tell whether a row belongs to a class, as FTS5 would."""
        found = "".join(content[column] for column in one.columns)
        if one.condition != "has words":
            return any(_has(found, t) for t in (self.question.whole if one.condition == "is" else self.question.begins))
        return any(
            all(any(all(_has(found, token) for token in tokens) for tokens in word) for word in reading)
            for reading in self.question.readings
        )


def _any_of(word: _Word) -> str:
    alternatives = (f"({' AND '.join(map(_quoted, tokens))})" for tokens in word)
    return f"({' OR '.join(alternatives)})"


def _quoted(token: str) -> str:
    return f'"{token[:-1]}" *' if token.endswith("*") else f'"{token}"'


def _has(content: str, token: str) -> bool:
    return (f" {token[:-1]}" if token.endswith("*") else f" {token} ") in content


def _forgiven(db: sqlite3.Connection, table: _Table, words: Sequence[text.Word], known: set[int]) -> list[int]:
    """Return the hits, without known ones, that have words with one typing error in the place of those asked for.

    If nothing else is found, the last word may be the mistyped beginning of one, or words may have two errors.
    """
    similar: list[tuple[str, ...]] = [() for _ in words]
    longest = sorted(range(len(words)), key=lambda i: -len(words[i].spelling))[:MAX_FORGIVEN_WORDS]
    for errors, is_half_typed in ((1, False),) if known else ((1, False), (1, True), (2, False)):
        for i in longest:
            word = words[i].spelling
            if not is_half_typed:
                similar[i] += tuple(spelling.candidates(db, word, errors))
            elif i == len(words) - 1:
                similar[i] += tuple(f"{form}*" for form in spelling.beginnings(db, word))
        if any(similar):
            ids, _ = _Search(db, table, _with_similar(words, similar)).hits(MAX_FORGIVEN_HITS, MAX_COMPARED_HITS + 1)
            if new := [i for i in ids if i not in known]:
                return new[:MAX_FORGIVEN_HITS]
    return []


def _with_similar(words: Sequence[text.Word], similar: Sequence[tuple[str, ...]]) -> _Question:
    """Return the question in which similar tokens are alternatives to each word."""
    typed = [word.alternatives for word in words]
    typed[-1] = _as_prefix(typed[-1])
    reading = tuple(word + tuple((token,) for token in others) for word, others in zip(typed, similar, strict=True))
    whole = tuple(text.WHOLE_FIELD_MARK + token for token in similar[0]) if len(words) == 1 else ()
    return _Question(whole, whole, (reading,))
