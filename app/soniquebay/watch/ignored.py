"""Which folders need no watch, because an ignore file leaves them out of every scan."""

import os
from collections.abc import Collection, Iterable

from soniquebay.library.ignore_files import (
    IGNORE_FILE_NAMES,
    NOMEDIA,
    PATTERN_FILE_NAMES,
    IgnoreFileError,
    IgnoreRules,
    parse_ignore_file,
    read_ignore_file,
)
from soniquebay.library.paths import encode, is_within


def rules_in(folder: str, rules: IgnoreRules, names: Collection[str] = IGNORE_FILE_NAMES) -> IgnoreRules | None:
    """Return the rules in a folder whose parent has `rules`; None if an ignore file in it leaves it all out.

    `names` are the ignore files that may be there. One that cannot be followed leaves nothing out: a scan tells of it.
    """
    if NOMEDIA in names and os.path.lexists(f"{folder}/{NOMEDIA}"):
        return None
    files = []
    for name in PATTERN_FILE_NAMES:
        if name not in names:
            continue
        try:
            content = read_ignore_file(f"{folder}/{name}")
            file = None if content is None else parse_ignore_file(name, content)
        except (IgnoreFileError, OSError):
            continue
        if file is not None and file.leaves_out_all:
            return None
        if file is not None and file.patterns:
            files.append(file)
    return rules.with_files(encode(folder.rstrip("/")) + "/", files) if files else rules


def rules_above(folder: str, roots: Iterable[str]) -> IgnoreRules | None:
    """Return the rules for a folder from the outermost root down; None if they leave it out."""
    rules = IgnoreRules()
    above = min((root for root in roots if is_within(folder, root)), key=len, default=folder)
    for name in folder[len(above.rstrip("/")) + 1 :].split("/") if folder != above else ():
        inside = rules_in(above, rules)
        above = f"{above.rstrip('/')}/{name}"
        if inside is None or is_left_out(above, inside):
            return None
        rules = inside
    return rules


def is_left_out(folder: str, rules: IgnoreRules) -> bool:
    """Tell whether the rules of its parent leave a folder out."""
    return bool(rules.files) and rules.reason(encode(folder), is_folder=True) is not None
