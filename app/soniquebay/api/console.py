"""What the screens of a machine without a claim code show: its name, its address, and whether it is well."""

import contextlib
import socket

from soniquebay import disk_state
from soniquebay.api import health
from soniquebay.api.services import Services
from soniquebay.atomic_file import replace_file
from soniquebay.listeners.claim_code import CONSOLE_FILE
from soniquebay.sentences import as_sentence
from soniquebay.settings import Settings

INTERVAL_SECONDS = 30.0  # between two looks at the state
_WELL = "Everything works."
_PARTS = {"database": "the database", "redis": "Redis", "worker": "the worker"}


def own_url(settings: Settings) -> str:
    """Return the address at which browsers of the local network reach the public API."""
    return settings.url_at(f"{socket.gethostname()}.local")


def show(settings: Settings, sentence: str) -> None:
    """Write the file that the consoles show, if it says something else. Raises ``OSError``."""
    file = settings.claim_folder / CONSOLE_FILE
    text = f"This is SoniqueBay on {socket.gethostname()}: {own_url(settings)}\n{sentence}\n\n".encode()
    with contextlib.suppress(FileNotFoundError):
        if file.read_bytes() == text:
            return
    file.parent.mkdir(parents=True, exist_ok=True)
    replace_file(file, text, 0o644)


class Console:
    """Keeps the file that the consoles show true. While a claim code is offered, the code is in that file."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def run(self) -> None:
        """Write the file if the state has changed. Raises ``OSError``. For one thread at a time."""
        if self._services.accounts.claim_code.code is not None:
            return
        show(self._services.settings, self._state())

    def _state(self) -> str:
        """Return a sentence for everybody who looks at the screen: without paths, names of users, and reasons."""
        silent = [_PARTS[part] for part, state in health.check_parts(self._services).items() if state != "ok"]
        if silent:
            return f"Without an answer: {', '.join(silent)}. The command soniquebay status says more."
        problem = disk_state.problem_of(self._services.settings.data)
        if problem is None:
            return _WELL
        return as_sentence(disk_state.sentence_for_listeners(problem))
