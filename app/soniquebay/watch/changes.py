"""Changed folders, collected until a scan of them is worth while: after a pause, but not after too long a wait."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from soniquebay.library.paths import is_within, outermost

QUIET_SECONDS = 3.0  # without a change before a scan: the files of one copy are one change
MAX_WAIT_SECONDS = 30.0  # after the first change, so that files that arrive all day are scanned all day
MAX_CHANGED_FOLDERS = 1000  # of more, a scan of everything costs less than their list


@dataclass(slots=True)
class _Pending:
    first_at: float
    last_at: float
    session_id: int


@dataclass(frozen=True, slots=True)
class DueScan:
    """What a scan is due for: everything, or some folders. It is false when no scan is due."""

    everything: bool = False
    folders: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.everything or bool(self.folders)


@dataclass
class PendingChanges:
    """The changes for which no scan has been started.

    Times are monotonic seconds; a session id is that of the newest scan at the time of the change.
    """

    _folders: dict[str, _Pending] = field(default_factory=dict)
    _everything: _Pending | None = None

    def __len__(self) -> int:
        return len(self._folders) + (self._everything is not None)

    @property
    def includes_everything(self) -> bool:
        """Whether everything has to be scanned."""
        return self._everything is not None

    def add_folder(self, folder: str, now: float, session_id: int) -> None:
        """Note a change in a folder (an encoded path)."""
        if self._everything is not None:
            self._everything.last_at, self._everything.session_id = now, session_id
            return
        pending = self._folders.setdefault(folder, _Pending(now, now, session_id))
        pending.last_at, pending.session_id = now, session_id
        if len(self._folders) > MAX_CHANGED_FOLDERS:
            self.add_everything(now, session_id)

    def add_everything(self, now: float, session_id: int) -> None:
        """Note that anything may have changed."""
        first_at = min((pending.first_at for pending in self._all()), default=now)
        self._everything = _Pending(first_at, now, session_id)
        self._folders.clear()

    def remove_seen_by(self, session_id: int) -> None:
        """Remove the changes from before a scan of everything began. That scan has ended, so it has seen them."""
        self._folders = {
            folder: pending for folder, pending in self._folders.items() if pending.session_id >= session_id
        }
        if self._everything is not None and self._everything.session_id < session_id:
            self._everything = None

    def due_at(self, *, files_are_growing: bool) -> float | None:
        """Return when a scan is due if nothing else changes; None without a change.

        While files are growing somewhere, only the longest wait counts.
        """
        pending = self._all()
        if not pending:
            return None
        latest = min(change.first_at for change in pending) + MAX_WAIT_SECONDS
        return latest if files_are_growing else min(latest, max(change.last_at for change in pending) + QUIET_SECONDS)

    def due(self, now: float, growing_folders: Collection[str] = ()) -> DueScan:
        """Return what is due for a scan now. It stays pending until `mark_scanned`.

        A folder in which a file grows waits for it up to MAX_WAIT_SECONDS, and does not hold up the others.
        """
        due_at = self.due_at(files_are_growing=bool(growing_folders))
        if due_at is None or now < due_at:
            return DueScan()
        if self._everything is not None:
            return DueScan(everything=True)
        return DueScan(
            folders=outermost(
                folder
                for folder, pending in self._folders.items()
                if folder not in growing_folders or now >= pending.first_at + MAX_WAIT_SECONDS
            )
        )

    def mark_scanned(self, due: DueScan) -> None:
        """Remove the changes for which a scan has been started."""
        if due.everything:
            self._everything = None
            self._folders.clear()
        self._folders = {
            folder: pending for folder, pending in self._folders.items() if not _is_within_any(folder, due.folders)
        }

    def _all(self) -> list[_Pending]:
        return [*self._folders.values(), *([self._everything] if self._everything else [])]


def _is_within_any(folder: str, folders: Iterable[str]) -> bool:
    return any(is_within(folder, outer) for outer in folders)
