"""Changed folders gathered until a scan of them is worth while: after a pause, but not after too long a wait."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from soniquebay.library.paths import is_within

QUIET = 3.0  # seconds without a change before a scan: a copy under way is one change
LONGEST = 30.0  # seconds that a change waits at most: music that trickles in all day is seen all day
MOST = 1000  # folders; of more, a scan of everything costs less than their list


@dataclass(slots=True)
class _Noted:
    first: float
    last: float
    session: int


@dataclass(frozen=True, slots=True)
class Due:
    """What to scan: everything, or the folders; neither if nothing is due."""

    everything: bool = False
    folders: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.everything or bool(self.folders)


@dataclass
class Changes:
    """The changes that no scan has followed.

    Times are monotonic, in seconds; `session` is the id of the newest scan at that time.
    """

    _folders: dict[str, _Noted] = field(default_factory=dict)
    _everything: _Noted | None = None

    def __len__(self) -> int:
        return len(self._folders) + (self._everything is not None)

    @property
    def are_everything(self) -> bool:
        """Tell whether everything is to be scanned."""
        return self._everything is not None

    def folder(self, folder: str, now: float, session: int) -> None:
        """Note a change in a folder (an encoded path)."""
        if self._everything is not None:
            self._everything.last, self._everything.session = now, session
            return
        noted = self._folders.setdefault(folder, _Noted(now, now, session))
        noted.last, noted.session = now, session
        if len(self._folders) > MOST:
            self.everything(now, session)

    def everything(self, now: float, session: int) -> None:
        """Note that there is no telling what has changed."""
        first = min((noted.first for noted in self._all()), default=now)
        self._everything = _Noted(first, now, session)
        self._folders.clear()

    def seen_by(self, session: int) -> None:
        """Forget what was noted before a scan of everything began, now that it has ended."""
        self._folders = {folder: noted for folder, noted in self._folders.items() if noted.session >= session}
        if self._everything is not None and self._everything.session < session:
            self._everything = None

    def due_at(self, *, writing: bool) -> float | None:
        """Return when something is due if no more comes; None without a change. `writing`: files grow somewhere."""
        noted = self._all()
        if not noted:
            return None
        longest = min(one.first for one in noted) + LONGEST
        return longest if writing else min(longest, max(one.last for one in noted) + QUIET)

    def due(self, now: float, writing: Collection[str] = ()) -> Due:
        """Return what is to be scanned now; it stays noted until `done`. `writing`: folders with files that grow."""
        at = self.due_at(writing=bool(writing))
        if at is None or now < at:
            return Due()
        if self._everything is not None:
            return Due(everything=True)
        # One in which a file grows waits for it as long as it may, and does not hold up the others.
        return Due(
            folders=outermost(
                folder
                for folder, noted in self._folders.items()
                if folder not in writing or now >= noted.first + LONGEST
            )
        )

    def done(self, due: Due) -> None:
        """Forget what is being scanned."""
        if due.everything:
            self._everything = None
            self._folders.clear()
        self._folders = {folder: noted for folder, noted in self._folders.items() if not _within(folder, due.folders)}

    def _all(self) -> list[_Noted]:
        return [*self._folders.values(), *([self._everything] if self._everything else [])]


def outermost(folders: Iterable[str]) -> tuple[str, ...]:
    """Return folders in their order, without those that lie below another of them."""
    kept: list[str] = []
    for folder in sorted(set(folders)):
        if not _within(folder, kept):
            kept.append(folder)
    return tuple(kept)


def _within(folder: str, folders: Iterable[str]) -> bool:
    return any(is_within(folder, above) for above in folders)
