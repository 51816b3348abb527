"""Which folders need no watch, because an ignore file leaves them out of every scan."""

from collections.abc import Collection, Iterable
from functools import partial

from soniquebay.library.ignore_files import (
    IGNORE_FILE_NAMES,
    IgnoreFile,
    IgnoreFileError,
    IgnoreRules,
    load_ignore_file,
    rules_inside,
)
from soniquebay.library.paths import encode, is_within


def rules_in(folder: str, rules: IgnoreRules, names: Collection[str] = IGNORE_FILE_NAMES) -> IgnoreRules | None:
    """Return the rules in a folder whose parent has `rules`; None if an ignore file in it leaves it all out.

    `names` are the ignore files that may be there. One that cannot be followed leaves nothing out: a scan tells of it.
    """
    encoded = encode(folder.rstrip("/")) + "/"
    inside = rules_inside(rules, folder, encoded, names, partial(_load, folder))
    return None if isinstance(inside, str) else inside


def _load(folder: str, name: str) -> IgnoreFile | None:
    try:
        return load_ignore_file(folder, name)
    except (IgnoreFileError, OSError):
        return None


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
