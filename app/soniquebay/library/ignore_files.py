"""Ignore files: which files and folders below them a scan leaves out.

- ``.nomedia`` leaves out its whole folder, whatever it contains, as on Android.
- ``.ndignore`` leaves out what its patterns match, and the whole folder when it has none, as in Navidrome.
- ``.soniquebayignore`` leaves out what its patterns match.

The patterns are those of gitignore(5) and have the effect that they have in Git. They come with the music, from
anybody, so none may take long: the time grows no faster than the product of the lengths of pattern and path.
"""

import os
import re
import stat
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from soniquebay.audio.open_flags import READ_FLAGS
from soniquebay.library.paths import decode

NOMEDIA, NDIGNORE, SONIQUEBAYIGNORE = ".nomedia", ".ndignore", ".soniquebayignore"
IGNORE_FILE_NAMES = frozenset({NOMEDIA, NDIGNORE, SONIQUEBAYIGNORE})
# The files that may have patterns; of one folder the first decides.
PATTERN_FILE_NAMES = (SONIQUEBAYIGNORE, NDIGNORE)

MAX_IGNORE_FILE_BYTES = 64 * 1024
MAX_PATTERNS = 1000  # in one file: each is matched with each file below it


class IgnoreFileError(Exception):
    """The content of an ignore file cannot be followed; the message says why."""


class Pattern(NamedTuple):
    """One line of an ignore file."""

    is_negated: bool
    folders_only: bool
    segments: tuple[re.Pattern[str] | None, ...]
    """One for each name of a path below the ignore file; None stands for any number of names. A pattern with a single
    segment that is not anchored matches the last name alone."""
    is_anchored: bool


@dataclass(frozen=True, slots=True)
class IgnoreFile:
    """The patterns of one ignore file, in its order."""

    name: str
    patterns: tuple[Pattern, ...]

    @property
    def leaves_out_all(self) -> bool:
        """Whether the whole folder is left out."""
        return self.name == NDIGNORE and not self.patterns

    def decides(self, names: Sequence[str], *, is_folder: bool) -> bool | None:
        """Return whether the last pattern that matches leaves a path out; None if none matches.

        `names`: the names of the path from the folder of the ignore file on.
        """
        for pattern in reversed(self.patterns):
            if (is_folder or not pattern.folders_only) and _matches(pattern, names):
                return not pattern.is_negated
        return None


class IgnoreRules(NamedTuple):
    """What the ignore files in a folder and above it say of the files and folders in it."""

    files: tuple[tuple[str, IgnoreFile], ...] = ()
    """Each ignore file with the encoded path of its folder, which ends with a slash; the nearest first."""

    def with_files(self, folder: str, files: Sequence[IgnoreFile]) -> "IgnoreRules":
        """Return these rules with the ignore files of one more folder (encoded, with a slash at the end)."""
        return IgnoreRules((*((folder, file) for file in files), *self.files))

    def reason(self, path: str, *, is_folder: bool) -> str | None:
        """Return why a file or folder (encoded path) is left out; None if it is not.

        A folder above it that is left out does not count: nobody asks for what lies in one.
        """
        for folder, file in self.files:
            names = os.fsdecode(decode(path[len(folder) :])).split("/")
            decision = file.decides(names, is_folder=is_folder)
            if decision is not None:
                return f"ignored by {file.name}" if decision else None
        return None


def read_ignore_file(path: str) -> bytes | None:
    """Return the content of an ignore file; None if there is no such file.

    Raises `IgnoreFileError` when it is no file or too large, and ``OSError`` when it cannot be read.
    """
    try:
        descriptor = os.open(path, READ_FLAGS)
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise IgnoreFileError("not a regular file")
        content = file.read(MAX_IGNORE_FILE_BYTES + 1) or b""
    if len(content) > MAX_IGNORE_FILE_BYTES:
        raise IgnoreFileError(f"larger than {MAX_IGNORE_FILE_BYTES // 1024} KiB")
    return content


def load_ignore_file(folder: str, name: str) -> IgnoreFile | None:
    """Return an ignore file of a folder (Python's file-system string); None if there is none.

    Raises as `read_ignore_file` and `parse_ignore_file` do.
    """
    content = read_ignore_file(f"{folder}/{name}")
    return None if content is None else parse_ignore_file(name, content)


def rules_inside(
    rules: IgnoreRules, folder: str, encoded: str, names: Collection[str], load: Callable[[str], IgnoreFile | None]
) -> IgnoreRules | str:
    """Return the rules in a folder whose parent has `rules`, or the name of the ignore file that leaves it all out.

    `folder` is Python's file-system string, `encoded` the same encoded with a slash at its end, and `names` are the
    ignore files that may be there. `load` loads one by its name, and decides about one that cannot be followed.
    """
    if NOMEDIA in names and os.path.lexists(f"{folder}/{NOMEDIA}"):
        return NOMEDIA
    files = []
    for name in PATTERN_FILE_NAMES:
        file = load(name) if name in names else None
        if file is not None and file.leaves_out_all:
            return name
        if file is not None and file.patterns:
            files.append(file)
    return rules.with_files(encoded, files) if files else rules


def parse_ignore_file(name: str, content: bytes) -> IgnoreFile:
    """Return the patterns of an ignore file. Raises `IgnoreFileError` when it is no text, or has too many."""
    if b"\0" in content:
        raise IgnoreFileError("not a text file")
    # A name that is not UTF-8 is matched as Python's file-system strings have it.
    lines = content.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape").split("\n")
    patterns = tuple(pattern for line in lines if (pattern := _parse_line(line)) is not None)
    if len(patterns) > MAX_PATTERNS:
        raise IgnoreFileError(f"more than {MAX_PATTERNS} patterns")
    return IgnoreFile(name, patterns)


def _parse_line(line: str) -> Pattern | None:
    line = _without_trailing_spaces(line.removesuffix("\r"))
    if not line or line.startswith("#"):
        return None
    is_negated = line.startswith("!")
    line = line.removeprefix("!")
    folders_only = line.endswith("/")
    line = line.removesuffix("/")
    is_anchored = "/" in line
    line = line.removeprefix("/")
    if not line:
        return None
    segments = [_segment(glob) if glob != "**" or not is_anchored else None for glob in line.split("/")]
    if segments[-1] is None:
        segments.append(_ANY_NAME)  # "a/**" is what lies below a, and not a itself
    return Pattern(is_negated, folders_only, tuple(segments), is_anchored)


def _without_trailing_spaces(line: str) -> str:
    stripped = line.rstrip(" ")
    backslashes = len(stripped) - len(stripped.rstrip("\\"))
    return stripped + " " if backslashes % 2 and len(stripped) < len(line) else stripped


def _matches(pattern: Pattern, names: Sequence[str]) -> bool:
    """Tell whether a pattern matches a path, given as its names."""
    segments = pattern.segments
    if not pattern.is_anchored:
        segment = segments[0]
        return segment is not None and segment.match(names[-1]) is not None
    # Only the last "**" that was passed need take one more name: what it leaves is all that the others can leave.
    at_segment = at_name = 0
    retry_segment, retry_name = -1, 0
    while at_name < len(names):
        segment = segments[at_segment] if at_segment < len(segments) else _NO_NAME
        if segment is None:
            at_segment += 1
            retry_segment, retry_name = at_segment, at_name
        elif segment.match(names[at_name]):
            at_segment, at_name = at_segment + 1, at_name + 1
        elif retry_segment >= 0:
            retry_name += 1
            at_segment, at_name = retry_segment, retry_name
        else:
            return False
    return at_segment == len(segments)


_ANY_NAME, _NO_NAME = re.compile(""), re.compile(r"(?!)")
_POSIX_CLASSES = {
    "alnum": "0-9A-Za-z", "alpha": "A-Za-z", "blank": r" \t", "cntrl": r"\x00-\x1f\x7f", "digit": "0-9",
    "graph": "!-~", "lower": "a-z", "print": " -~", "punct": r"!-/:-@\[-`{-~", "space": r"\s", "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}  # fmt: skip


def _segment(glob: str) -> re.Pattern[str]:
    """Return the regular expression that matches what a glob between two slashes does."""
    chunks = [""]  # what lies between the stars
    at = 0
    try:
        while at < len(glob):
            if glob[at] == "*":
                chunks.append("")
                at += 1
                continue
            expression, at = _one_character(glob, at)
            chunks[-1] += expression
    except (IndexError, ValueError):
        return _NO_NAME  # as in Git, a pattern with an open bracket or a single backslash matches nothing
    first, *others = chunks
    if not others:
        return re.compile(f"(?s:{first})\\Z")
    # An atomic group keeps the first place that fits: no later one could help, so none is tried again.
    middle = "".join(f"(?>.*?{chunk})" for chunk in others[:-1] if chunk)
    return re.compile(f"(?s:{first}{middle}.*{others[-1]})\\Z")


def _one_character(glob: str, at: int) -> tuple[str, int]:
    """Return the expression of the character at an index, and the index behind it."""
    character = glob[at]
    if character == "\\":
        return re.escape(glob[at + 1]), at + 2
    if character == "?":
        return ".", at + 1
    if character == "[":
        return _bracket(glob, at + 1)
    return re.escape(character), at + 1


def _bracket(glob: str, at: int) -> tuple[str, int]:
    """Return the expression of a bracket whose content begins at an index, and the index behind it."""
    is_negated = glob[at] in "!^"
    at += is_negated
    parts: list[str] = []
    start = at
    while glob[at] != "]" or at == start:
        if glob.startswith("[:", at):
            end = glob.index(":]", at + 2)
            parts.append(_POSIX_CLASSES.get(glob[at + 2 : end], ""))
            at = end + 2
            continue
        low, at = _bracket_character(glob, at)
        high = low
        if glob[at] == "-" and glob[at + 1] != "]":
            high, at = _bracket_character(glob, at + 1)
        if low <= high:
            parts.append(f"{re.escape(low)}-{re.escape(high)}")
    content = "".join(parts)
    if not content:
        return "." if is_negated else "(?!)", at + 1
    return f"[{'^' if is_negated else ''}{content}]", at + 1


def _bracket_character(glob: str, at: int) -> tuple[str, int]:
    return (glob[at + 1], at + 2) if glob[at] == "\\" else (glob[at], at + 1)
