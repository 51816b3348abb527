"""The one error of everything online."""


class UpstreamError(Exception):
    """The service did not answer, or not with what was asked for.

    `retry_after`: seconds that it asks for, 0 if it does not. `answered`: it spoke, so what was asked may be the cause.
    """

    def __init__(self, reason: str, retry_after: float = 0.0, *, answered: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.retry_after, self.answered = reason, retry_after, answered
