"""Checkpoints: one file beside the model to come, from which a killed run is resumed with the same result."""

import math
import os
import pickle
import time
from pathlib import Path
from typing import Any

import torch
from msgspec import Struct, structs

from embedding.errors import DamagedError, MismatchError
from embedding.towers.model_folder import FORMAT

# Writing takes at most one part in this many of a run's time, so a large model is written less often.
_TIME_SHARE = 50


class RunIdentity(Struct, frozen=True, kw_only=True):
    """What a run must have in common with the run whose checkpoint it resumes.

    `interactions` and `items`: fingerprints of the training pairs and of all that the towers read of the items;
    `start`: hash of the model whose weights a warm start copied; `processes`: how many train together; `format`: of
    the model to come.
    """

    format: int = FORMAT
    config: dict[str, Any]
    split: dict[str, Any]
    interactions: str
    items: str
    encoder: str | None
    start: str | None
    device: str
    processes: int


class Checkpoints:
    """The checkpoint file of one run; with `resume`, `load` reads it."""

    def __init__(self, path: Path, identity: RunIdentity, resume: bool, writes: bool = True) -> None:
        """`writes`: False for the processes of a group that do not write."""
        self.path, self._identity, self._resume, self._writes = path, identity, resume, writes
        self._next_s = 0.0

    def load(self) -> dict[str, Any] | None:
        """The state to resume, None for a run from the start.

        Raises MismatchError, saying what differs, for a checkpoint of another run, DamagedError for one that cannot
        be read.
        """
        if not self._resume or not self.path.is_file():
            return None
        try:
            stored = torch.load(self.path, weights_only=True)
            identity, state = stored["identity"], stored["state"]
        except (RuntimeError, OSError, EOFError, KeyError, pickle.UnpicklingError) as error:
            raise DamagedError(
                f"The checkpoint {self.path} cannot be read ({error}). Train from the start, without --resume."
            ) from None
        differing = differences(identity, structs.asdict(self._identity))
        if differing:
            raise MismatchError(
                f"--resume: the checkpoint {self.path} is of another run. {'; '.join(differing)}. Give what that run "
                "was given, or train from the start, without --resume."
            )
        return dict(state)

    def offer(self, state: Any) -> None:
        """Write `state()`, unless writing would take more than a fiftieth of the run's time.

        A state with a number that is not finite is not written: the last good one stays.
        """
        if not self._writes or time.monotonic() < self._next_s:
            return
        start = time.monotonic()
        content = state()
        if _is_finite(content):
            part = self.path.with_name(f"{self.path.name}.part")
            part.parent.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as file:
                torch.save({"identity": structs.asdict(self._identity), "state": content}, file)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self.path)
        end = time.monotonic()
        self._next_s = end + _TIME_SHARE * (end - start)

    def remove(self) -> None:
        """Remove the file: the run has ended."""
        if self._writes:
            self.path.unlink(missing_ok=True)


def checkpoint_path(out: Path) -> Path:
    """Where the checkpoint of the model to be written to `out` lies."""
    return out.with_name(f".{out.name}.checkpoint")


def differences(then: dict[str, Any], now: dict[str, Any], prefix: str = "") -> list[str]:
    """One line for each key whose values differ; nested dictionaries are compared key by key."""
    lines = []
    for key in sorted({*then, *now}):
        before, after = then.get(key), now.get(key)
        if isinstance(before, dict) and isinstance(after, dict):
            lines += differences(before, after, f"{prefix}{key}.")
        elif before != after:
            lines.append(f"{prefix}{key}: {before!r} then, {after!r} now")
    return lines


def _is_finite(value: Any) -> bool:
    if isinstance(value, torch.Tensor):
        return not value.is_floating_point() or bool(value.isfinite().all())
    if isinstance(value, dict):
        return all(map(_is_finite, value.values()))
    if isinstance(value, (list, tuple)):
        return all(map(_is_finite, value))
    return not isinstance(value, float) or math.isfinite(value)
