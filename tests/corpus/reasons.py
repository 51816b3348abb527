"""What the reason of a failure must not contain."""

import re

_INTERNAL_DETAILS = re.compile(
    r"""Traceback|site-packages|\.py\b|0x[0-9a-f]{6}      # paths and addresses of the programs
        |<[\w. ]+>|\b\w+(Error|Exception)\b|\[Errno|\berror\(  # classes and objects of Python
        |\bb?'[^']*\\x|\\\\x|b['"]|[({\[]\)|None\b            # literals of Python
        |[^\x20-\x7e\xa0-\uffff]|^\W|^$|:\s*$            # no text, or unprintable characters
        |/tmp/|number\ -?\d+\ occurred                    # a second path, an error without a message""",
    re.VERBOSE,
)
MAX_REASON_CHARACTERS = 200


def unreadable(reason: str) -> bool:
    """Tell whether a reason is too long or contains technical details."""
    return len(reason) > MAX_REASON_CHARACTERS or _INTERNAL_DETAILS.search(reason) is not None
