"""Words of the library that differ from a typed word by a typing error or two.

An error is one letter too many, one too few, a wrong one, or two adjacent letters in the wrong order (the optimal
string alignment distance). Every form at a distance of one is made and looked up. Two errors fall into the halves of
the word in one of three ways: both in the second half, both in the first, or one in each. The words with an intact
half, or with a first half at a distance of one, are read from the B-trees of words and of reversed words, and compared.
"""

import json
import sqlite3
from collections.abc import Iterable

MIN_LETTERS_ONE_ERROR, MIN_LETTERS_BEGINNING, MIN_LETTERS_TWO_ERRORS, MAX_LETTERS = 4, 5, 8, 24
MAX_CANDIDATES = 20  # of a word
_LATIN = "abcdefghijklmnopqrstuvwxyz0123456789"
_BLOCK_CHARACTERS = 128  # of the Unicode blocks that most alphabets fit into
_ALIKE = {"и": "й", "й": "и"}  # typed for one another in words of any length
_END = "\U0010ffff"  # after every letter


def candidates(db: sqlite3.Connection, word: str, errors: int) -> list[str]:
    """Return the words of the library with exactly so many typing errors (1 or 2), at most `MAX_CANDIDATES`.

    Short words have none: too many others are near. An empty word has none either.
    """
    found: Iterable[str] = ()
    if errors == 1:
        found = _known(db, _alike(word) | (_edited(word) if _length_allows(word, 1) else set()))
    elif _length_allows(word, 2):
        found = _two_errors(db, word)
    return _likely(set(found) - {word}, word)


def beginnings(db: sqlite3.Connection, word: str) -> list[str]:
    """Return the forms of a half-typed word with one error that begin a word, at most `MAX_CANDIDATES`."""
    if not MIN_LETTERS_BEGINNING <= len(word) <= MAX_LETTERS:
        return []
    rows = db.execute(
        "SELECT j.value AS form FROM json_each(?1) j WHERE EXISTS "
        "(SELECT 1 FROM search_words w WHERE w.word >= j.value AND w.word < j.value || ?2)",
        (json.dumps(list(_edited(word)), ensure_ascii=False), _END),
    )
    # A form with one letter less begins too many words.
    return _likely({row["form"] for row in rows if len(row["form"]) >= len(word)}, word)


def _likely(found: Iterable[str], word: str) -> list[str]:
    """Return the first words found: a person rarely mistypes the first letter."""
    return sorted(found, key=lambda other: (other[0] != word[0], other))[:MAX_CANDIDATES]


def _length_allows(word: str, errors: int) -> bool:
    return (MIN_LETTERS_ONE_ERROR if errors == 1 else MIN_LETTERS_TWO_ERRORS) <= len(word) <= MAX_LETTERS


def _alike(word: str) -> set[str]:
    return {word[:i] + _ALIKE[letter] + word[i + 1 :] for i, letter in enumerate(word) if letter in _ALIKE}


def _edited(word: str) -> set[str]:
    """Return every form of a word at a distance of one, and perhaps the word itself."""
    letters = _alphabet(word)
    splits = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    shorter = {a + b[1:] for a, b in splits if b}
    swapped = {a + b[1] + b[0] + b[2:] for a, b in splits if len(b) > 1}
    wrong = {a + letter + b[1:] for a, b in splits if b for letter in letters}
    longer = {a + letter + b for a, b in splits for letter in letters}
    return shorter | swapped | wrong | longer


def _alphabet(word: str) -> str:
    """Return the letters that may replace those of a word: Latin ones, or those of the block of its first letter."""
    if word.isascii():
        return _LATIN
    start = next(ord(letter) for letter in word if letter > "\x7f") // _BLOCK_CHARACTERS * _BLOCK_CHARACTERS
    block = map(chr, range(start, start + _BLOCK_CHARACTERS))
    return "".join(letter for letter in block if letter.isprintable() and letter == letter.lower())


def _known(db: sqlite3.Connection, forms: Iterable[str]) -> list[str]:
    rows = db.execute(
        "SELECT w.word FROM json_each(?) j JOIN search_words w ON w.word = j.value",
        (json.dumps(list(forms), ensure_ascii=False),),
    )
    return [row["word"] for row in rows]


def _two_errors(db: sqlite3.Connection, word: str) -> set[str]:
    middle = len(word) // 2
    first, second = word[:middle], word[middle:]
    first_forms, second_forms = _edited(first) | {first}, _edited(second) | {second}
    found = set()
    for form, other in _beginning_with(db, first_forms, len(word)):
        rest = other[len(form) :]
        if rest in second_forms or (form == first and is_within(second, rest, 2)):
            found.add(other)
    for other in _ending_with(db, second, len(word)):
        if is_within(first, other[: len(other) - len(second)], 2):
            found.add(other)
    # Two letters that were swapped across the halves, and one more error.
    swapped = word[: middle - 1] + word[middle] + word[middle - 1] + word[middle + 1 :]
    found.update(_known(db, _edited(swapped)))
    return found - set(_edited(word))


def _beginning_with(db: sqlite3.Connection, beginnings: Iterable[str], letters: int) -> list[tuple[str, str]]:
    rows = db.execute(
        "SELECT j.value AS beginning, w.word FROM json_each(?) j "
        "JOIN search_words w ON w.word >= j.value AND w.word < j.value || ? "
        "WHERE length(w.word) BETWEEN ? AND ?",
        (json.dumps(list(beginnings), ensure_ascii=False), _END, letters - 2, letters + 2),
    )
    return [(row["beginning"], row["word"]) for row in rows]


def _ending_with(db: sqlite3.Connection, ending: str, letters: int) -> list[str]:
    backwards = ending[::-1]
    rows = db.execute(
        "SELECT word FROM search_words WHERE reversed >= ? AND reversed < ? AND length(word) BETWEEN ? AND ?",
        (backwards, backwards + _END, letters - 2, letters + 2),
    )
    return [row["word"] for row in rows]


def is_within(one: str, other: str, errors: int) -> bool:
    """Tell whether two texts are at most so many typing errors apart."""
    if abs(len(one) - len(other)) > errors:
        return False
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        before, last, row = row, before, [i]
        for j, other_letter in enumerate(other, start=1):
            cost = min(last_row + 1 for last_row in (before[j], row[j - 1]))
            cost = min(cost, before[j - 1] + (letter != other_letter))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == other_letter:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1] <= errors
