"""Have the worker place new tracks on the map, while that takes a small share of its time."""

import sqlite3

from soniquebay.api.dispatcher import Dispatcher
from soniquebay.api.paced_task import PacedTask
from soniquebay.library.database import Database
from soniquebay.library.similarity import map_places

TASK = "maintenance.lay_out_map"
_PAUSE_FACTOR = 10


class MapUpkeep(PacedTask):
    """Sends the task that brings the map up to date."""

    def __init__(self, database: Database, dispatcher: Dispatcher) -> None:
        super().__init__(database, dispatcher, TASK, _PAUSE_FACTOR, self._is_to_do)
        self.progress: float | None = None
        """Share of a new layout that is computed, from 0 to 1; None while none is."""

    def finished(self, cpu_seconds: float) -> None:
        """Note that a task has ended, and how much processor time it took."""
        self.progress = None
        super().finished(cpu_seconds)

    def _is_to_do(self, db: sqlite3.Connection) -> bool:
        plan = map_places.plan(db)
        is_to_do = bool(plan.unplaced or plan.is_new_layout_due)
        if is_to_do:
            self.progress = None
        return is_to_do
