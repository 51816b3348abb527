"""The exception whose text is for the user."""


class ActionableError(Exception):
    """An error with a sentence about what went wrong, and one about what the user can do."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint
