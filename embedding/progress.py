"""Progress of long work on stderr: a bar for people, JSON events for scripts, or nothing."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

import click
import msgspec
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

ProgressMode = Literal["bar", "json", "none"]
Advance = Callable[[int], None]

progress_option = click.option(
    "--progress",
    type=click.Choice(("bar", "json", "none")),
    default=lambda: "bar" if sys.stderr.isatty() else "none",
    show_default="bar on a terminal, else none",
    help="Progress on stderr: a bar, one JSON event a line, or nothing.",
)


class _RateColumn(ProgressColumn):
    """Steps a second, of late."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s", style="progress.data.speed")


def _columns() -> tuple[ProgressColumn, ...]:
    return (
        TextColumn("{task.description:<28}"),
        BarColumn(),
        MofNCompleteColumn(),
        _RateColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )


class Reporter:
    """Shows one bar, or emits events, for each stage of a piece of work."""

    def __init__(self, mode: ProgressMode) -> None:
        self.mode = mode
        self._console = Console(stderr=True)
        # One display for all bars that are open at once.
        self._progress: Progress | None = None

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[Advance]:
        """Report `name`, with `total` steps where the number is known; call the yielded function to advance."""
        if self.mode == "none":
            yield lambda _steps: None
        elif self.mode == "json":
            yield from self._events(name, total)
        else:
            yield from self._bar(name, total)

    def _bar(self, name: str, total: int | None) -> Iterator[Advance]:
        outer = self._progress
        progress = outer or Progress(*_columns(), console=self._console)
        if outer is None:
            progress.start()
            self._progress = progress
        try:
            task = progress.add_task(name, total=total)
            yield lambda steps: progress.advance(task, steps)
            progress.update(task, total=progress.tasks[task].completed)
        finally:
            if outer is None:
                self._progress = None
                progress.stop()

    def say(self, text: str) -> None:
        """Print one line beside the bar, or emit it as an event."""
        if self.mode == "json":
            self._emit({"event": "say", "text": text})
        elif self.mode == "bar":
            self._console.print(text, highlight=False, markup=False)

    def _events(self, name: str, total: int | None) -> Iterator[Advance]:
        start, last, done = time.monotonic(), 0.0, 0
        self._emit({"event": "start", "stage": name, "total": total})

        def advance(steps: int) -> None:
            nonlocal done, last
            done += steps
            now = time.monotonic()
            if now - last >= 0.5:
                last = now
                elapsed_s = now - start
                rate = done / elapsed_s if elapsed_s else 0.0
                left_s = None if total is None or not rate else round(max(0, total - done) / rate, 1)
                self._emit(
                    {
                        "event": "step",
                        "stage": name,
                        "done": done,
                        "total": total,
                        "elapsed_s": round(elapsed_s, 3),
                        "rate_per_s": round(rate, 1),
                        "left_s": left_s,
                    }
                )

        yield advance
        self._emit({"event": "end", "stage": name, "done": done, "elapsed_s": round(time.monotonic() - start, 3)})

    @staticmethod
    def _emit(event: dict[str, object]) -> None:
        sys.stderr.write(msgspec.json.encode(event).decode() + "\n")
        sys.stderr.flush()
