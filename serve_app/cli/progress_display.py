"""Progress displays: rich progress bars in a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Protocol

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from serve_app.cli.common import plural, print_line

SECONDS_PER_LINE = 5.0
BAR_WIDTH = 28
LABEL_WIDTH = 40


class ProgressDisplay(Protocol):
    """Shows the progress of one or more tasks, each identified by a key."""

    shows_papers: bool  # True if single papers are worth an update, not only whole jobs

    def __enter__(self) -> ProgressDisplay: ...
    def __exit__(self, *_: object) -> None: ...
    def update(
        self, key: str, label: str, text: str, completed: float = 0, total: float | None = None
    ) -> None: ...


def progress_display() -> ProgressDisplay:
    """Returns bars if stdout is a terminal, else lines."""
    return BarDisplay() if sys.stdout.isatty() else LineDisplay()


def progress_text(ended: int, total: int, pages: int, chunks: int) -> str:
    """Returns `3 of 5 papers, 1,204 pages, 96 chunks`."""
    return (
        f"{ended} of {plural(total, 'paper')}, {plural(pages, 'page')}, {plural(chunks, 'chunk')}"
    )


class LineDisplay:
    """Prints a line at most every five seconds; for logs and pipes."""

    shows_papers = False

    def __init__(self) -> None:
        self._printed_at = time.monotonic()

    def __enter__(self) -> LineDisplay:
        return self

    def __exit__(self, *_: object) -> None:
        """Releases nothing."""

    def update(
        self, key: str, label: str, text: str, completed: float = 0, total: float | None = None
    ) -> None:
        """Prints `label: text`, or nothing if the last line is less than five seconds old."""
        if time.monotonic() - self._printed_at >= SECONDS_PER_LINE:
            self._printed_at = time.monotonic()
            print_line(f"{label}: {text}")


class BarDisplay:
    """Shows one progress bar for each key; the bars disappear at the end."""

    shows_papers = True

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=BAR_WIDTH),
            TextColumn("{task.fields[text]}", markup=False),
            TimeElapsedColumn(),
            transient=True,
        )
        self._bars: dict[str, TaskID] = {}

    def __enter__(self) -> BarDisplay:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    @property
    def texts(self) -> list[str]:
        """The texts of all bars, in the order of their first update."""
        return [task.fields["text"] for task in self._progress.tasks]

    def update(
        self, key: str, label: str, text: str, completed: float = 0, total: float | None = None
    ) -> None:
        """Moves the bar of `key`; without a `total` the bar is indeterminate."""
        if key not in self._bars:
            short = Text(label)
            short.truncate(LABEL_WIDTH, overflow="ellipsis")
            self._bars[key] = self._progress.add_task(short.plain, total=total, text=text)
        self._progress.update(self._bars[key], completed=completed, total=total, text=text)
