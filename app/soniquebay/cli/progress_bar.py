"""One progress bar for a scan, with counts, rate and time left."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn


@contextmanager
def progress_bar(console: Console) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Show a bar, and give what moves it: a function of a scan's progress."""
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

        def show(progress: dict[str, Any]) -> None:
            known = progress["phase"] != "discovering"
            bar.update(
                task,
                description=progress["phase"],
                completed=progress["percent"],
                total=100 if known else None,
                counts=_counts(progress, known=known),
            )

        yield show


def _counts(progress: dict[str, Any], *, known: bool) -> str:
    found = f"{progress['finished']}/{progress['files']}" if known else f"{progress['files']} found"
    left = progress["seconds_left"]
    parts = [found, f"{progress['rate']:.0f} files/min", f"{progress['failures']} failures"]
    if left:
        parts.append(f"{left // 3600}:{left // 60 % 60:02}:{left % 60:02} left")
    return "  ".join(parts)
