"""Show the progress of a scan as a bar with counts, rate and time left."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn


@contextmanager
def progress_bar(console: Console) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Show a bar, and yield the function that moves it to a scan's progress (`models.scans.Progress`).

    Once the scan's own tracks are analysed, the bar shows how many of the library's still wait.
    """
    bar = Progress(
        TextColumn("{task.description:<12}"),
        BarColumn(bar_width=None),
        TaskProgressColumn(),
        TextColumn("{task.fields[counts]}"),
        console=console,
        expand=True,
    )
    with bar:
        task = bar.add_task("connecting", total=None, counts="")
        most_waiting = 0

        def show(progress: dict[str, Any]) -> None:
            nonlocal most_waiting
            phase, percent, waiting = progress["phase"], progress["percent"], progress["library_vectors_waiting"]
            most_waiting = max(most_waiting, waiting)
            if phase == "done" and waiting:
                phase, percent = "analysing", 100 * (most_waiting - waiting) / most_waiting
            bar.update(
                task,
                description=phase,
                completed=percent,
                total=None if phase == "discovering" else 100,
                counts=_counts(progress),
            )

        yield show


def _counts(progress: dict[str, Any]) -> str:
    waiting, seconds_left = progress["library_vectors_waiting"], progress["seconds_left"]
    if progress["phase"] == "discovering":
        parts = [f"{progress['files']} found"]
    else:
        parts = [f"{progress['finished']}/{progress['files']}"]
    parts += [f"{progress['rate']:.0f} files/min", f"{progress['failures']} failures"]
    if waiting and progress["phase"] in {"analysing", "done"}:
        parts.append(f"{waiting} tracks to analyse")
    if seconds_left:
        parts.append(f"{seconds_left // 3600}:{seconds_left // 60 % 60:02}:{seconds_left % 60:02} left")
    return "  ".join(parts)
