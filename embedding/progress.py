"""Progress of long work on stderr: a bar for people, JSON events for scripts, or nothing."""

import math
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
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
)
from rich.text import Text

from embedding.pace import Pace

# Seconds between two events of a stage that moves; and of one that does not, which is told to be alive.
_BETWEEN_S, _QUIET_S = 0.5, 2.0
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
        step_s = task.fields["pace"].step_s()
        return Text("" if not step_s else f"{1 / step_s:,.0f}/s", style="progress.data.speed")


class _LeftColumn(ProgressColumn):
    """Time left, where it can be told."""

    def render(self, task: Task) -> Text:
        left_s = None if task.total is None else task.fields["pace"].left_s(task.total - task.completed)
        shown = "-:--:--" if left_s is None else str(timedelta(seconds=math.ceil(left_s)))
        return Text(shown, style="progress.remaining")


def _columns() -> tuple[ProgressColumn, ...]:
    return (
        TextColumn("{task.description:<28}"),
        BarColumn(),
        MofNCompleteColumn(),
        _RateColumn(),
        TimeElapsedColumn(),
        _LeftColumn(),
    )


class Reporter:
    """Shows one bar, or emits events, for each stage of a piece of work."""

    def __init__(self, mode: ProgressMode) -> None:
        self.mode = mode
        self._console = Console(stderr=True)
        # Stages that are open at once may be told of by several threads.
        self._emitting = threading.Lock()
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
            pace = Pace()
            task = progress.add_task(name, total=total, pace=pace)

            def advance(steps: int) -> None:
                pace.add(steps)
                progress.advance(task, steps)

            yield advance
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

    def warn(self, text: str) -> None:
        """Print a warning at once, whatever the mode: it is no progress."""
        if self.mode == "json":
            self._emit({"event": "warning", "text": text})
        else:
            self._console.print(f"Warning: {text}", highlight=False, markup=False, soft_wrap=True)

    def _events(self, name: str, total: int | None) -> Iterator[Advance]:
        start, done, pace = time.monotonic(), 0, Pace()
        told = start - _BETWEEN_S
        self._emit({"event": "start", "stage": name, "total": total})

        def tell() -> None:
            nonlocal told
            told = time.monotonic()
            elapsed_s = told - start
            self._emit(
                {
                    "event": "step",
                    "stage": name,
                    "done": done,
                    "total": total,
                    "elapsed_s": round(elapsed_s, 3),
                    "rate_per_s": round(done / elapsed_s, 1) if elapsed_s else 0.0,
                    "left_s": None if total is None else pace.left_s(total - done),
                }
            )

        def advance(steps: int) -> None:
            nonlocal done
            done += steps
            pace.add(steps)
            if time.monotonic() - told >= _BETWEEN_S:
                tell()

        def tell_while_quiet() -> None:
            while not ended.wait(_QUIET_S):
                if time.monotonic() - told >= _QUIET_S and (total is None or done < total):
                    tell()

        ended = threading.Event()
        teller = threading.Thread(target=tell_while_quiet, daemon=True)
        teller.start()
        try:
            yield advance
        finally:
            ended.set()
            teller.join()
        self._emit({"event": "end", "stage": name, "done": done, "elapsed_s": round(time.monotonic() - start, 3)})

    def _emit(self, event: dict[str, object]) -> None:
        with self._emitting:
            sys.stderr.write(msgspec.json.encode(event).decode() + "\n")
            sys.stderr.flush()
