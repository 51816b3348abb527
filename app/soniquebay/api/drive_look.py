"""One question to a drive, in a thread of its own: a drive that hangs holds up nothing else."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class DriveLook(Generic[T]):
    """Asks at once. A drive that hangs does not answer, and its thread waits for it."""

    def __init__(self, ask: Callable[[], T]) -> None:
        """`ask` may raise ``OSError``."""
        self._ask = ask
        self._answer: T | None = None
        self._thread = threading.Thread(target=self._run, name="drive", daemon=True)
        self._thread.start()

    @property
    def is_done(self) -> bool:
        """Whether the drive has answered, or failed."""
        return not self._thread.is_alive()

    def result(self, timeout_seconds: float) -> T | None:
        """Return what the drive has answered within a time; None if nothing, or an error."""
        self._thread.join(timeout_seconds)
        return self._answer if self.is_done else None

    def _run(self) -> None:
        try:
            self._answer = self._ask()
        except OSError:
            self._answer = None
