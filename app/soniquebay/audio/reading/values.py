"""Values that each tag system writes in a form of its own, brought into one form."""

import re
from collections.abc import Iterator, Sequence

from mutagen.id3 import TCON

# Roles of a TIPL or IPLS frame (ID3v2.4 frames, section 4.2.2) in lower case, as Picard and others write them.
_ROLES = {
    "producer": "producer",
    "engineer": "engineer",
    "mix": "mixer",
    "mixer": "mixer",
    "mixing": "mixer",
    "arranger": "arranger",
    "dj-mix": "dj_mixer",
    "dj mix": "dj_mixer",
    "djmix": "dj_mixer",
    "djmixer": "dj_mixer",
    "composer": "composer",
    "lyricist": "lyricist",
    "writer": "writer",
    "conductor": "conductor",
    "remixer": "remixer",
    "director": "director",
}
_PERFORMER = "performer"

_GENRE = re.compile(r"((?:\((?:\d{1,3}|RX|CR)\))*)(.*)", re.DOTALL)
_GENRE_CODES = {"RX": "Remix", "CR": "Cover"}
_GENRE_NUMBERS = 256  # a byte in ID3v1; not all have a name

# What Windows Media Player, MusicBee and MediaMonkey write to POPM for half a star to five stars.
_POPM_PERCENT = {13: 10, 1: 20, 54: 30, 64: 40, 118: 50, 128: 60, 186: 70, 196: 80, 242: 90, 255: 100}
_WINDOWS_MEDIA_PERCENT = {1: 20, 25: 40, 50: 60, 75: 80, 99: 100}

_TIME_STAMP = re.compile(r"^\s*\[\d{1,3}:\d{2}(?:[.:]\d{1,3})?\]", re.MULTILINE)
_MIN_TIMED_LINES = 2
_TRUE = {"1", "true", "yes"}


def people(pairs: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the canonical name and the value for a list that alternates role and name.

    A role that has no canonical name is an instrument: its value is "Name (instrument)".
    """
    for role, name in zip(pairs[::2], pairs[1::2], strict=False):
        person, what = name.strip(), role.strip()
        if person:
            canonical = _ROLES.get(what.lower())
            yield (canonical, person) if canonical else (_PERFORMER, performer(person, what))


def performer(name: str, instrument: str) -> str:
    """Return "Name (instrument)", or the name alone if the instrument is empty."""
    return f"{name} ({instrument})" if instrument else name


def genres(value: str) -> list[str]:
    """Return the genres of one value, the numbers of ID3v1 as names: two for "(17)(18)", one for "17".

    "(17)Rock" is one genre, "((odd)" is the genre "(odd)" (ID3v2.3, section 4.2.1). A number without name is none.
    """
    if not value.startswith("("):
        name = _genre_name(value)
        return [name] if name else []
    match = _GENRE.match(value)
    codes, rest = (match[1], match[2]) if match else ("", value)
    names = [_genre_name(code) for code in codes[1:-1].split(")(") if code]
    names.append(rest[1:] if rest.startswith("((") else rest)
    return list(dict.fromkeys(name for name in names if name))


def _genre_name(code: str) -> str:
    if code.isdecimal() and int(code[:4]) < _GENRE_NUMBERS:
        number = int(code[:4])
        return str(TCON.GENRES[number]) if number < len(TCON.GENRES) else ""
    return _GENRE_CODES.get(code, code)


def popm(value: str) -> tuple[str | None, str | None]:
    """Return rating (0 to 100) and play count of "<rating>/<count>"; None for each that is 0, which is unknown."""
    rating, _, count = value.partition("/")
    number = _number(rating)
    percent = _POPM_PERCENT.get(round(number), round(number * 100 / 255)) if number else 0
    return str(min(percent, 100)) if percent else None, play_count(count)


def play_count(value: str) -> str | None:
    """Return a play count as digits; None for 0 and for what is no number."""
    return str(int(number)) if (number := _number(value)) else None


def windows_media_rating(value: str) -> str | None:
    """Return the rating, 0 to 100, of a WM/SharedUserRating from 1 to 99; None for 0, which is "not rated"."""
    number = _number(value)
    if not number or number > 100:
        return None
    return str(_WINDOWS_MEDIA_PERCENT.get(round(number), min(5 * round(number * 100 / 99 / 5), 100)))


def rating(value: str, *, of_one: bool = False) -> str | None:
    """Return the rating, 0 to 100, of a number that programs write on their own scales; None for what is no number.

    The scale is not stated: a number up to 5 counts stars, one up to 10 half stars, one up to 100 is in per cent, one
    up to 255 as in POPM. A fraction of one ("0.8", "1.0"), and everything up to 1 if `of_one`, is a share.
    """
    number = _number(value)
    if number is None or number > 255:
        return None
    if number <= 1 and (of_one or "." in value):
        return str(round(number * 100))
    if number <= 5:
        return str(round(number * 20))
    if number <= 10:
        return str(round(number * 10))
    if number <= 100:
        return str(round(number))
    return popm(f"{number:.0f}/0")[0]


def _number(text: str) -> float | None:
    """Return a finite number that is not negative; None for other text."""
    text = text.strip().removesuffix("%").replace(",", ".")
    if not re.fullmatch(r"\d{1,12}(\.\d{0,12})?", text, re.ASCII):
        return None
    return float(text)


def has_time_stamps(lyrics: str) -> bool:
    """Return whether lyrics are in the LRC format: at least two lines begin with a time stamp."""
    if "[" not in lyrics:
        return False
    stamps = _TIME_STAMP.finditer(lyrics)
    return sum(1 for _ in zip(stamps, range(_MIN_TIMED_LINES), strict=False)) == _MIN_TIMED_LINES


def is_true(value: str) -> bool:
    """Return whether a flag is set."""
    return value.lower() in _TRUE


def part_and_total(value: str) -> str:
    """Return "3" for "3/0", nothing for "0/0": MP4 writes 0 where nothing is stated."""
    number, _, total = value.partition("/")
    if total in {"", "0"}:
        return "" if number == "0" else number
    return value
