"""The versions of releases: which of two is newer, and which one the name of an archive tells."""

import re

_ARCHIVE = re.compile(r"soniquebay-([0-9][0-9A-Za-z.+~_-]{0,99})-aarch64\.tar\.gz")
_NUMBERS = re.compile(r"\d{1,18}(?:\.\d{1,18})*")
_PARTS = re.compile(r"\d{1,18}|[a-z]+")
_EARLY = {"dev": -4, "a": -3, "alpha": -3, "b": -2, "beta": -2, "c": -1, "rc": -1, "pre": -1, "preview": -1}

Key = tuple[tuple[int, ...], tuple[tuple[int, int, str], ...]]


def version_of(name: str) -> str | None:
    """Return the version that the name of a release archive tells; None for another file."""
    match = _ARCHIVE.fullmatch(name)
    return match[1] if match else None


def archive_name(version: str, platform: str = "aarch64") -> str:
    """Return the name of the archive of a version. `platform`: that of the appliance, or another one of `image`."""
    return f"soniquebay-{version}-{platform}.tar.gz"


def compare(one: str, other: str) -> int:
    """Return a number above 0 if the first version is newer, 0 for the same, below 0 if it is older.

    Numbers count first: 1.10 is newer than 1.9, and 1.2 is 1.2.0. Then 1.2 is newer than 1.2rc1, 1.2-beta.1, 1.2.dev3
    and 1.2~1, and older than 1.2+1 and 1.2.post1.
    """
    first, second = _key(one), _key(other)
    return (first > second) - (first < second)


def _key(version: str) -> Key:
    lowered = version.lower()
    match = _NUMBERS.match(lowered)
    numbers = [int(number) for number in match[0].split(".")] if match else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    rest = lowered[match.end() :] if match else lowered
    parts = [_part(text) for text in _PARTS.findall(rest)]
    if rest.startswith("~"):  # as in Debian's versions: before the one without it
        parts.insert(0, (-5, 0, ""))
    elif rest.startswith("-") and parts and parts[0][0] >= 0:  # as in Semantic Versioning: before the release itself
        parts.insert(0, (-1, 0, ""))
    return tuple(numbers), (*parts, (0, 0, ""))


def _part(text: str) -> tuple[int, int, str]:
    if text.isdecimal():
        return 1, int(text), ""
    return _EARLY.get(text, 2), 0, "" if text in _EARLY else text
