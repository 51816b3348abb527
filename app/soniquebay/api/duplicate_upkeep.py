"""Have the worker search the library for duplicates, while that takes a small share of its time."""

from soniquebay.api.dispatcher import Dispatcher
from soniquebay.api.paced_task import PacedTask
from soniquebay.library import duplicates
from soniquebay.library.database import Database

TASK = "maintenance.find_duplicates"
_PAUSE_FACTOR = 100  # each task compares the whole library, and the first analysis of a library takes days


class DuplicateUpkeep(PacedTask):
    """Sends the task that groups the tracks that sound like one recording."""

    def __init__(self, database: Database, dispatcher: Dispatcher) -> None:
        super().__init__(database, dispatcher, TASK, _PAUSE_FACTOR, duplicates.is_to_compare)
