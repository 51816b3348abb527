"""Dates as tags write them."""

import re
from functools import lru_cache

_YEAR_FIRST = re.compile(r"(\d{4})(?:[-/.](\d{1,2})(?:[-/.](\d{1,2}))?)?(?:[T ].*)?")
_DAY_FIRST = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})")
_DIGITS = re.compile(r"(\d{4})(\d{2})(\d{2})")
_ANY_YEAR = re.compile(r"(?<!\d)(1[0-9]{3}|2[0-9]{3})(?!\d)")
_DAYS_OF_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


@lru_cache(1024)
def parse_date(text: str) -> str | None:
    """Return a date as ``YYYY``, ``YYYY-MM`` or ``YYYY-MM-DD``, as exact as it is stated; None without a year.

    A month or day that cannot be is left out. Of day and month the larger than 12 is the day; otherwise the day comes
    first, as almost everywhere.
    """
    text = text.strip()
    if match := _YEAR_FIRST.fullmatch(text) or _DIGITS.fullmatch(text):
        return _joined(match[1], match[2], match[3])
    if match := _DAY_FIRST.fullmatch(text):
        day, month = match[1], match[2]
        return _joined(match[3], day, month) if int(month) > 12 else _joined(match[3], month, day)
    if match := _ANY_YEAR.search(text):
        return match[1]
    return None


def _joined(year: str, month: str | None, day: str | None) -> str | None:
    if not 1000 <= int(year) <= 2999:
        return None
    if not month or not 1 <= int(month) <= 12:
        return year
    if not day or not 1 <= int(day) <= _DAYS_OF_MONTH[int(month) - 1]:
        return f"{year}-{int(month):02}"
    return f"{year}-{int(month):02}-{int(day):02}"


def year_of(date: str | None) -> int | None:
    """Return the year of a date of `parse_date`."""
    return int(date[:4]) if date else None
