"""Invented artists, albums and titles of two kinds of library, equal for equal seeds.

- ``zipf``: words as unevenly common as in real libraries, a few names in other scripts, albums of different lengths,
  MusicBrainz ids for three artists in ten.
- ``scripts``: two artists in three have names in one of many scripts; each artist has four albums of ten tracks; one
  artist in four has MusicBrainz ids.
"""

import itertools
import random
import unicodedata
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

WORDS = 6000
KINDS = ("zipf", "scripts")
ALBUMS_AN_ARTIST, TRACKS_AN_ALBUM = 3, 10  # on average
GENRES = (
    "Rock", "Pop", "Jazz", "Classical", "Electronic", "Hip Hop", "Folk", "Blues", "Metal", "Country", "Soul", "Reggae",
    "Ambient", "Punk", "Techno", "Soundtrack", "Indie Rock", "Drum and Bass", "Bossa Nova", "Chanson",
)  # fmt: skip
COMMON = ("the", "love", "of", "in", "night", "you", "my", "blue", "time", "on", "heart", "river", "dream", "fire")
# Letters of the words of a script; the words of the first one are syllables.
SCRIPTS = (
    "",
    "абвгдежзиклмнопрстуфхчшыэюя",
    "αβγδεζηθικλμνξοπρστυφχψω",
    "あいうえおかきくけこさしすせそたちつてとなにのはひふへほ",
    "日月山川海空花鳥風雪夜星東西南北心愛夢歌",
    "가나다라마바사아자차카타파하",
    "אבגדהוזחטיכלמנסעפצקרשת",
    "ابتثجحخدذرزسشصضطظعغفقكلمنهوي",
    "กขคงจชซดตถทนบปผพมยรลวสหอ",
)
FOREIGN = ("Ночь", "Дорога", "Море", "夜の歌", "東京", "海辺", "Αγάπη", "שלום", "사랑", "Снег")
_ACCENTS = str.maketrans({"a": "á", "e": "é", "i": "ï", "o": "ö", "u": "ü", "n": "ñ", "c": "ç"})


@dataclass(frozen=True, slots=True)
class Track:
    """The tags of one track; the ids are empty where a file has none."""

    artist: str
    album: str
    title: str
    number: int
    year: int
    genre: str
    ids: tuple[str, str, str]  # MusicBrainz: track, album, artist
    album_index: int


def tracks(count: int, kind: str = "zipf", seed: int = 1) -> Iterator[Track]:
    """Yield `count` tracks, album by album; every title, and every artist's name, is there once."""
    rng = random.Random(seed)  # noqa: S311 - a benchmark's names, no secret
    names = {"zipf": _Names, "scripts": _NamesInScripts}[kind](rng)
    albums = itertools.count()
    while True:
        for track in names.artist_tracks(albums):
            yield track
            count -= 1
            if count == 0:
                return


class _Names:
    _share_with_ids = 0.3

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._words, self._weights = _vocabulary(rng)
        self._taken: set[str] = set()

    def artist_tracks(self, albums: Iterator[int]) -> Iterator[Track]:
        rng = self._rng
        artist = self._distinct("artist", 1, 3)
        artist_id = self._id() if rng.random() < self._share_with_ids else ""
        genre = rng.choice(GENRES)
        for _ in range(self._albums()):
            album, year = self._distinct(artist, 1, 4), rng.randint(1960, 2024)
            album_id = artist_id and self._id()
            index = next(albums)
            for number in range(1, self._tracks() + 1):
                ids = (artist_id and self._id(), album_id, artist_id)
                yield Track(artist, album, self._distinct("title", 1, 5), number, year, genre, ids, index)

    def _albums(self) -> int:
        return self._rng.randint(1, 2 * ALBUMS_AN_ARTIST - 1)

    def _tracks(self) -> int:
        return self._rng.randint(6, 2 * TRACKS_AN_ALBUM - 6)

    def _distinct(self, kind: str, least: int, most: int) -> str:
        words = self._rng.choices(self._words, cum_weights=self._weights, k=self._rng.randint(least, most))
        while (name := f"{kind}\0{_plain(' '.join(words))}") in self._taken:
            words += self._rng.choices(self._words, k=1)
        self._taken.add(name)
        return " ".join(word.capitalize() for word in words)

    def _id(self) -> str:
        return str(uuid.UUID(int=self._rng.getrandbits(128), version=4))


class _NamesInScripts(_Names):
    _share_with_ids = 0.25

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self._syllables = self._words, self._weights

    def artist_tracks(self, albums: Iterator[int]) -> Iterator[Track]:
        letters = self._rng.choice(SCRIPTS)
        if letters and self._rng.random() < 0.75:
            self._words = ["".join(self._rng.choices(letters, k=self._rng.randint(2, 7))) for _ in range(400)]
            self._weights = list(itertools.accumulate(1 / (10 + place) for place in range(len(self._words))))
        else:
            self._words, self._weights = self._syllables
        return super().artist_tracks(albums)

    def _albums(self) -> int:
        return 4

    def _tracks(self) -> int:
        return 10


def _vocabulary(rng: random.Random) -> tuple[list[str], list[float]]:
    syllables = [c + v for c in "bdcfghklmnprstvw" for v in "aeiou"]
    words, known = list(COMMON), set(COMMON)
    while len(words) < WORDS - len(FOREIGN):
        word = "".join(rng.choices(syllables, k=rng.choice((1, 2, 2, 2, 3, 3, 4)))) + rng.choice(("", "n", "s", "r"))
        if word in known:
            continue
        known.add(word)
        words.append(word.translate(_ACCENTS) if rng.random() < 0.05 else word)
    for place, word in enumerate(FOREIGN):
        words.insert(100 + 30 * place, word)
    # Zipf: the n-th word is there a n-th as often as the first.
    return words, list(itertools.accumulate(1 / (10 + place) for place in range(len(words))))


def _plain(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name).casefold()
    text = "".join(c for c in decomposed if not unicodedata.combining(c)).removeprefix("the ")
    return text or name
