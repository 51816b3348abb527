"""The one exception a person is meant to read."""


class Problem(Exception):  # noqa: N818  it is told to a person, who has a problem
    """Something the user can do something about: what went wrong, and what to do."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint
