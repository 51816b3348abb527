"""The errors of everything that asks a service on the internet."""


class UpstreamError(Exception):
    """A service did not answer, or not with what was asked for.

    `retry_after` is the number of seconds for which the service asks to wait, 0 if it does not. `answered` is True when
    it sent an answer that is of no use: the request itself may be the cause, so others may still succeed. It is False
    when the service is unreachable or too busy.
    """

    def __init__(self, reason: str, retry_after: float = 0.0, *, answered: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.retry_after, self.answered = reason, retry_after, answered


class CredentialsError(Exception):
    """A service does not accept a token, session or key."""


class NotAcceptedError(Exception):
    """A service refuses what was sent, and would refuse it again."""
