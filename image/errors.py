"""The one exception a person is meant to read."""


class ActionableError(Exception):
    """Something the user can do something about: what went wrong, and what to do."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint
