"""What a reason shown to people may not hold."""

import re

_OURS_ALONE = re.compile(
    r"""Traceback|site-packages|\.py\b|0x[0-9a-f]{6}      # where our programs are, and how they are made
        |<[\w. ]+>|\b\w+(Error|Exception)\b|\[Errno|\berror\(  # Python's classes and objects
        |\bb?'[^']*\\x|\\\\x|b['"]|[({\[]\)|None\b            # its literals
        |[^\x20-\x7e\xa0-\uffff]|^\W|^$|:\s*$            # nothing, or what no screen shows
        |/tmp/|number\ -?\d+\ occurred                    # a path beside the path, an error without words""",
    re.VERBOSE,
)
LONGEST = 200  # characters


def unreadable(reason: str) -> bool:
    """Tell whether a person could not read this."""
    return len(reason) > LONGEST or _OURS_ALONE.search(reason) is not None
