"""A machine on which nothing is wrong, which each test then damages in one way."""

import gc
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import redis

from soniquebay.doctor.checks import CHECKS
from soniquebay.doctor.finding import Finding
from soniquebay.doctor.surroundings import Surroundings
from soniquebay.library.database import Database
from soniquebay.listeners.database import ListenersDatabase
from soniquebay.settings import from_environment
from tests.unit.test_redis_files import redis_server


@dataclass
class Machine:
    """Real files and a real Redis below one folder; the API's answers are given."""

    folder: Path
    answers: dict[str, Any] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    failed_units: str = ""

    def surroundings(self, **given: Any) -> Surroundings:
        environment = {
            "SONIQUEBAY_MUSIC": str(self.folder / "music"),
            "SONIQUEBAY_DATA": str(self.folder / "data"),
            "SONIQUEBAY_REDIS": f"unix://{self.folder}/run/redis.sock",
            "SONIQUEBAY_CLAIM_FOLDER": str(self.folder / "claim"),
            **self.variables,
        }
        given = {"run": lambda _: self.failed_units, "sys": self.folder / "sys", "worker_user": "nobody", **given}
        settings = from_environment(environment)
        return Surroundings(settings, self._answer, lambda path: self._answer(f"POST {path}"), **given)

    def _answer(self, request: str) -> Any:
        return self.answers.get(request.partition("?")[0], "refused")

    def find(self, check: str, **given: Any) -> list[Finding]:
        return list(CHECKS[check](self.surroundings(**given)))

    def wrong(self, check: str, **given: Any) -> Finding:
        """Return the only finding of a check that is wrong; it has a remedy."""
        (finding,) = (finding for finding in self.find(check, **given) if finding.state == "wrong")
        assert finding.remedy
        return finding

    def is_fine(self, check: str, **given: Any) -> bool:
        return {finding.state for finding in self.find(check, **given)} == {"ok"}


@pytest.fixture
def machine() -> Iterator[Machine]:
    # pytest's own folders are for one user, and the worker is another one
    with tempfile.TemporaryDirectory(prefix="doctor-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for part in ("music/Album", "data", "run", "claim", "sys"):
            (folder / part).mkdir(parents=True)
        (folder / "music/Album/song.flac").write_bytes(b"fLaC")
        Database(folder / "data/library.db").migrate()
        ListenersDatabase(folder / "data/listeners.db", folder / "data/library.db").migrate()
        gc.collect()  # closes them: a late close would write their logs over what a test has damaged
        yield Machine(folder)


@pytest.fixture
def with_redis(machine: Machine) -> Iterator[redis.Redis]:
    """Run Redis beside the machine, and give its client."""
    with redis_server(machine.folder / "data", machine.folder / "run") as client:
        yield client
