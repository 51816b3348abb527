"""Typing errors: the words found are those that a comparison with every word finds."""

import random
from collections.abc import Iterator

import pytest

from soniquebay.library.database import Database
from soniquebay.library.search import spelling


def distance(one: str, other: str) -> int:
    """Return the optimal string alignment distance, as it is defined."""
    table = {(i, 0): i for i in range(len(one) + 1)} | {(0, j): j for j in range(len(other) + 1)}
    for i in range(1, len(one) + 1):
        for j in range(1, len(other) + 1):
            costs = [table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + (one[i - 1] != other[j - 1])]
            if i > 1 and j > 1 and one[i - 1] == other[j - 2] and one[i - 2] == other[j - 1]:
                costs.append(table[i - 2, j - 2] + 1)
            table[i, j] = min(costs)
    return table[len(one), len(other)]


@pytest.fixture
def no_maximum(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spelling, "MAX_CANDIDATES", 1000)


def vary(rng: random.Random, word: str, letters: str) -> Iterator[str]:
    for _ in range(6):
        for _ in range(rng.choice((1, 2, 2, 3))):
            i = rng.randrange(len(word))
            word = rng.choice(
                (word[:i] + word[i + 1 :], word[:i] + rng.choice(letters) + word[i:],
                 word[:i] + rng.choice(letters) + word[i + 1 :], word[:i] + word[i : i + 2][::-1] + word[i + 2 :])
            )  # fmt: skip
            word = word or "x"
        yield word


@pytest.mark.usefixtures("no_maximum")
@pytest.mark.parametrize("letters", ["abc", "abcdefghijklmnopqrstuvwxyz", "абвгдеж", "αβγδ", "अआइकखगि"])
def test_words_with_one_or_two_errors_are_all_found(db: Database, letters: str) -> None:
    rng = random.Random(letters)  # noqa: S311
    typed = ["".join(rng.choices(letters, k=k)) for k in (4, 5, 7, 8, 9, 11)]
    words = {form for word in typed for _ in range(12) for form in vary(rng, word, letters)}
    with db.transaction() as connection:
        connection.executemany("INSERT INTO search_words VALUES (?, ?)", [(w, w[::-1]) for w in words])
    found = 0
    for word in typed:
        for errors in (1, 2):
            expected = {w for w in words if distance(word, w) == errors} if errors == 1 or len(word) >= 8 else set()
            assert set(spelling.candidates(db.reader(), word, errors)) == expected, (word, errors)
            found += len(expected)
    assert found > 50
    for word in typed:
        for other in sorted(words)[:30]:
            assert spelling.is_within(word, other, 2) == (distance(word, other) <= 2)


def test_short_words_long_words_and_other_scripts_have_no_similar_ones(db: Database) -> None:
    words = ["lov", "lave", "x" * 25, "х" * 3, "東京事変", "чай", "чаи"]
    with db.transaction() as connection:
        connection.executemany("INSERT INTO search_words VALUES (?, ?)", [(w, w[::-1]) for w in words])
    candidates = lambda word, errors=1: spelling.candidates(db.reader(), word, errors)  # noqa: E731
    assert candidates("lav") == []
    assert candidates("love") == ["lave", "lov"]
    assert candidates("love", 2) == []
    assert candidates("x" * 26) == []
    assert candidates("чаи") == ["чай"]  # these two are typed for one another
    assert candidates("чай") == ["чаи"]


def test_the_nearest_candidates_are_kept_when_there_are_too_many(db: Database) -> None:
    words = [f"{letter}ird" for letter in "acdefghijklm"] + [f"b{letter}rd" for letter in "abcdefghjklmnop"]
    with db.transaction() as connection:
        connection.executemany("INSERT INTO search_words VALUES (?, ?)", [(w, w[::-1]) for w in words])
    found = spelling.candidates(db.reader(), "bird", 1)
    assert len(found) == spelling.MAX_CANDIDATES
    assert [word[0] for word in found[:15]] == ["b"] * 15
