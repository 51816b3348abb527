"""What a request is refused with: a code of the Subsonic API, and a sentence."""

from typing import Literal

Code = Literal[0, 10, 20, 30, 40, 41, 42, 43, 44, 50, 70]
GENERIC: Code = 0
MISSING_PARAMETER: Code = 10
WRONG_CREDENTIALS: Code = 40
UNSUPPORTED_CREDENTIALS: Code = 42
CONFLICTING_CREDENTIALS: Code = 43
WRONG_API_KEY: Code = 44
NOT_ALLOWED: Code = 50
NOT_FOUND: Code = 70


class SubsonicError(Exception):
    """A request is refused. The answer has the status 200 all the same, as clients expect."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
