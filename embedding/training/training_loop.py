"""The training loop: epochs of batches, validation after each, checkpoints on the way, early stopping."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from msgspec import Struct
from torch import Tensor

from embedding.data.train_config import TrainConfig
from embedding.errors import NearfieldError
from embedding.progress import Reporter
from embedding.towers.candidate_tower import CandidateTower
from embedding.towers.history import Histories
from embedding.towers.item_tensors import ItemTensors
from embedding.towers.query_tower import QueryTower
from embedding.training.batch_loss import BatchLoss
from embedding.training.checkpoint import Checkpoints
from embedding.training.distributed import SINGLE_PROCESS, ProcessGroup
from embedding.training.optimisers import Optimisers
from embedding.training.text_sampling import TextSampler
from embedding.training.training_log import TrainingLog

Validate = Callable[[CandidateTower, QueryTower, Reporter], float]


class Trained(Struct, frozen=True):
    """Two trained towers on the CPU.

    `losses`: mean of each epoch; `scores`: the validation metric after each, where there is validation; `best_epoch`:
    the one whose weights these are, from 1; `resumed_at`: the step at which a killed run was resumed.
    """

    candidate: CandidateTower
    query: QueryTower
    losses: tuple[float, ...]
    scores: tuple[float, ...]
    best_epoch: int
    resumed_at: int | None


class FitOptions(Struct, frozen=True, kw_only=True):
    """What a run may have beside its data and config.

    `validate`: a metric after each epoch, higher is better, by which training stops early; `start`: weights of an
    earlier model, by name, for the rows that both have.
    """

    checkpoints: Checkpoints | None = None
    log: TrainingLog | None = None
    validate: Validate | None = None
    start: Mapping[str, Tensor] | None = None
    group: ProcessGroup = SINGLE_PROCESS


class TrainingLoop:
    """The state of one run, which a checkpoint holds, and the loop that moves it on."""

    def __init__(
        self,
        items: ItemTensors,
        histories: Histories,
        candidate: CandidateTower,
        query: QueryTower,
        config: TrainConfig,
        device: torch.device,
        options: FitOptions,
        texts: TextSampler | None,
    ) -> None:
        self.config, self.device, self.options = config, device, options
        self.towers = torch.nn.ModuleDict({"candidate": candidate, "query": query})
        self.candidate, self.query = candidate, query
        # Sparse gradients do not exist on Apple's GPUs.
        candidate.sparse = device.type != "mps"
        self.batch_loss = BatchLoss(items, histories, candidate, query, config, options.group, texts)
        self.liked = self.batch_loss.liked
        self.steps_an_epoch = math.ceil(len(self.liked) / config.batch_size)
        self.optimisers = Optimisers(candidate, query, config.learning_rate)
        self.generator = torch.Generator().manual_seed(config.seed)
        # Of the current epoch: random state before its order was drawn, steps done, sum of their losses.
        self.epoch, self.before_epoch, self.done, self.total = 1, self.generator.get_state(), 0, 0.0
        self.losses: list[float] = []
        self.scores: list[float] = []
        self.best: dict[str, Tensor] = {}

    def run(self, reporter: Reporter) -> Trained:
        """Train until the last epoch, or until the validation metric has not improved for `patience` epochs."""
        resumed_at = self._restore()
        if self.options.log is not None:
            self.options.log.open(resumed_at or 0)
        while self.epoch <= self.config.epochs and not self._is_stale():
            self._run_epoch(reporter)
            self._end_epoch(reporter)
        best_epoch = int(np.argmax(self.scores)) + 1 if self.scores else len(self.losses)
        if self.best:
            self.towers.load_state_dict(self.best)
        self.candidate.sparse = False
        candidate, query = self.candidate.cpu().eval(), self.query.cpu().eval()
        return Trained(candidate, query, tuple(self.losses), tuple(self.scores), best_epoch, resumed_at)

    def _run_epoch(self, reporter: Reporter) -> None:
        order = self._order()
        batches = torch.split(order, self.config.batch_size)
        note = f", loss {self.losses[-1]:.3f}" if self.losses else ""
        with reporter.stage(f"epoch {self.epoch}/{self.config.epochs}{note}", len(order)) as advance:
            advance(sum(map(len, batches[: self.done])))
            for pairs_B in batches[self.done :]:
                step = self._num_steps()
                loss = self.batch_loss.loss(pairs_B, self.generator)
                self.optimisers.step(loss, step / (self.config.epochs * self.steps_an_epoch), self.options.group)
                value = float(loss.detach())
                if not math.isfinite(value):
                    raise NearfieldError(self._loss_message(value, step))
                self.total += value * len(pairs_B)
                self.done += 1
                advance(len(pairs_B))
                if self.options.log is not None:
                    self.options.log.step(step + 1, self.epoch, len(pairs_B), value, self.optimisers.rate)
                if self.options.checkpoints is not None:
                    self.options.checkpoints.offer(self._state)

    def _end_epoch(self, reporter: Reporter) -> None:
        self.losses.append(self.total / len(self.liked))
        said = f"epoch {self.epoch}/{self.config.epochs}: loss {self.losses[-1]:.4f}"
        score = None
        if self.options.validate is not None:
            score = self.options.group.broadcast(self.options.validate(self.candidate, self.query, reporter))
            said += f", validation {score:.4f}"
            if score > max(self.scores, default=-math.inf):
                self.best = {name: weights.detach().clone() for name, weights in self.towers.state_dict().items()}
            self.scores.append(score)
        reporter.say(said)
        if self.losses[-1] == 0:
            reporter.say(
                "nothing is learnt: all items of a batch are liked by its users, so that there are no negatives; "
                "it takes users who like different things"
            )
        if self.options.log is not None:
            self.options.log.epoch(self._num_steps(), self.epoch, self.losses[-1], score)
        self.epoch, self.before_epoch, self.done, self.total = self.epoch + 1, self.generator.get_state(), 0, 0.0

    def _is_stale(self) -> bool:
        gained = int(np.argmax(self.scores)) + 1 if self.scores else 0
        return bool(self.scores) and len(self.scores) - gained >= self.config.patience

    def _num_steps(self) -> int:
        return (self.epoch - 1) * self.steps_an_epoch + self.done

    def _order(self) -> Tensor:
        """The pairs of the current epoch in their order, drawn from the random state at its beginning."""
        now = self.generator.get_state()
        self.generator.set_state(self.before_epoch)
        order = self.liked[torch.randperm(len(self.liked), generator=self.generator).to(self.device)]
        if self.done:
            self.generator.set_state(now)
        return order

    def _state(self) -> dict[str, Any]:
        return {
            "towers": self.towers.state_dict(),
            "optimisers": self.optimisers.state(),
            "random": self.generator.get_state(),
            "before_epoch": self.before_epoch,
            "epoch": self.epoch,
            "done": self.done,
            "total": self.total,
            "losses": self.losses,
            "scores": self.scores,
            "best": self.best,
        }

    def _restore(self) -> int | None:
        """Resume from the checkpoint, where there is one; returns the number of steps done before."""
        state = None if self.options.checkpoints is None else self.options.checkpoints.load()
        if state is None:
            return None
        self.towers.load_state_dict(state["towers"])
        self.optimisers.restore(state["optimisers"])
        self.generator.set_state(state["random"])
        for name in ("before_epoch", "epoch", "done", "total", "losses", "scores"):
            setattr(self, name, state[name])
        self.best = {name: weights.to(self.device) for name, weights in state["best"].items()}
        return self._num_steps()

    def _loss_message(self, value: float, step: int) -> str:
        checkpoints = self.options.checkpoints
        kept = (
            f" The state before it is kept in {checkpoints.path}."
            if checkpoints is not None and checkpoints.path.is_file()
            else ""
        )
        return (
            f"The loss became {value} in epoch {self.epoch}, step {step}. Lower `learning_rate` "
            f"({self.config.learning_rate}) or raise `temperature` ({self.config.temperature}).{kept}"
        )
