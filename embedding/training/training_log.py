"""The log of a training run: a CSV file, and the same values for TensorBoard."""

import csv
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tensorboardX import SummaryWriter

CSV_FILE = "training.csv"
# `loss`: of one step; `mean_loss`: of a whole epoch.
COLUMNS = ("step", "epoch", "loss", "learning_rate", "pairs_per_s", "mean_loss", "validation")
# Steps between two rows.
_EVERY = 50


class TrainingLog:
    """Writes `training.csv` and TensorBoard's event files into a folder of its own.

    A row every 50 steps: the step's number from 1, its loss, the rate, pairs a second since the row before; and one
    for each epoch, with the epoch's mean loss and its validation metric.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file: Any = None
        self._board: SummaryWriter | None = None
        self._pairs, self._since_s = 0, 0.0

    def open(self, done: int) -> None:
        """Begin, or go on after step `done`: rows of later steps, which will be repeated, are removed."""
        # Its import takes half a second, and few runs keep a log.
        from tensorboardX import SummaryWriter

        path = self.folder / CSV_FILE
        self.folder.mkdir(parents=True, exist_ok=True)
        rows = _rows_until(path, done) if done else []
        if not done:
            for events in self.folder.glob("events.out.tfevents.*"):
                events.unlink()
        # Buffered by line: the log of a killed run can be read.
        self._file = path.open("w", newline="", encoding="utf-8", buffering=1)
        self._write = csv.writer(self._file).writerow
        for row in [list(COLUMNS), *rows]:
            self._write(row)
        # A viewer drops the values of an earlier file for the steps from here on.
        self._board = SummaryWriter(str(self.folder), purge_step=done + 1 if done else None)
        self._since_s = time.monotonic()

    def step(self, step: int, epoch: int, num_pairs: int, loss: float, rate: float) -> None:
        """One step was done."""
        self._pairs += num_pairs
        if step % _EVERY:
            return
        now = time.monotonic()
        speed = self._pairs / max(now - self._since_s, 1e-9)
        self._pairs, self._since_s = 0, now
        self._row(step, epoch, loss=loss, learning_rate=rate, pairs_per_s=round(speed, 1))

    def epoch(self, step: int, epoch: int, loss: float, validation: float | None) -> None:
        """An epoch has ended after `step` steps of all."""
        self._row(step, epoch, mean_loss=loss, validation=validation)

    def close(self) -> None:
        """Close the files."""
        if self._board is not None:
            self._board.close()
        if self._file is not None:
            self._file.close()

    def _row(self, step: int, epoch: int, **figures: float | None) -> None:
        self._write([step, epoch, *(figures.get(name) for name in COLUMNS[2:])])
        for name, value in figures.items():
            if self._board is not None and value is not None:
                self._board.add_scalar(name, value, step)


def _rows_until(path: Path, done: int) -> list[list[str]]:
    """The rows of an earlier log for steps up to `done`, without a line that a killed run left half written."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.reader(file) if len(row) == len(COLUMNS) and row[0].isdecimal()]
    return [row for row in rows if int(row[0]) <= done]
