"""The training loop: pairs in, two trained towers out; one seed, one result, wherever it was interrupted."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from msgspec import Struct
from numpy.typing import NDArray
from torch import Tensor
from torch.utils import deterministic

from embedding.data.pairs import Pairs
from embedding.data.train_config import TrainConfig
from embedding.errors import NearfieldError
from embedding.progress import Reporter
from embedding.towers.candidate_tower import CandidateTower
from embedding.towers.encoded_items import EncodedItems
from embedding.towers.history import Histories
from embedding.towers.item_tensors import ItemTensors
from embedding.towers.query_tower import QueryTower
from embedding.towers.vocabulary import Vocabulary
from embedding.training.checkpoint import Checkpoints
from embedding.training.distributed import SINGLE_PROCESS, ProcessGroup
from embedding.training.optimisers import Optimisers
from embedding.training.out_of_memory import explain_out_of_memory
from embedding.training.query_texts import QueryTexts
from embedding.training.text_draws import TextDraws
from embedding.training.training_log import TrainingLog
from embedding.training.training_step import TrainingStep
from embedding.training.warm_start import take_over

Validate = Callable[[CandidateTower, QueryTower], float]


class Trained(Struct, frozen=True):
    """Two trained towers on the CPU.

    `losses`: mean of each epoch; `scores`: what validation gave after each, where there was one; `best_epoch`: the
    one whose weights these are, from 1; `resumed_at`: the step from which a killed run was gone on with.
    """

    candidate: CandidateTower
    query: QueryTower
    losses: tuple[float, ...]
    scores: tuple[float, ...]
    best_epoch: int
    resumed_at: int | None


class Around(Struct, frozen=True, kw_only=True):
    """What a run is given beside its data, all of it optional.

    `validate`: a figure after each epoch, higher is better, by which training stops early; `start`: weights of an
    earlier model, by name, for the rows that both have; `query_texts`: of all items, where the config wants them.
    """

    checkpoints: Checkpoints | None = None
    log: TrainingLog | None = None
    validate: Validate | None = None
    start: Mapping[str, Tensor] | None = None
    query_texts: QueryTexts | None = None
    group: ProcessGroup = SINGLE_PROCESS


def fit(
    items: EncodedItems,
    vocabulary: Vocabulary,
    pairs: Pairs,
    places: NDArray[np.int64],
    config: TrainConfig,
    device: torch.device,
    reporter: Reporter,
    around: Around = Around(),  # noqa: B008  # it is frozen
) -> Trained:
    """Train both towers on the positive pairs of `pairs`; skips count in histories only.

    `items`: every item in `pairs`; `places` (P,): where each pair's item stands in them. The same arguments give
    the same weights, bit for bit, on one machine's CPU, killed and gone on with or not. Raises NearfieldError when
    the loss is no longer a number or memory runs out, MismatchError for a checkpoint of another run.
    """
    assert (around.query_texts is not None) == bool(config.text_query_weight), "text queries are learnt from texts"
    with _repeatable(config.seed, device), explain_out_of_memory(config):
        tensors = ItemTensors.of(items, device)
        candidate = CandidateTower(vocabulary.num_ids, vocabulary.table_sizes(), items.text.shape[1], config.dims)
        query = QueryTower(config.dims, items.text.shape[1] if config.text_query_weight else 0)
        if around.start is not None:
            take_over(around.start, {"candidate": candidate, "query": query})
        candidate, query = candidate.to(device), query.to(device)
        histories = Histories.of(pairs, places, config, device)
        try:
            return _Loop(tensors, histories, candidate, query, config, device, around).run(reporter)
        finally:
            if around.log is not None:
                around.log.close()


class _Loop:
    def __init__(
        self,
        items: ItemTensors,
        histories: Histories,
        candidate: CandidateTower,
        query: QueryTower,
        config: TrainConfig,
        device: torch.device,
        around: Around,
    ) -> None:
        self.config, self.device, self.around = config, device, around
        self.towers = torch.nn.ModuleDict({"candidate": candidate, "query": query})
        self.candidate, self.query = candidate, query
        # Sparse gradients do not exist on Apple's GPUs.
        candidate.sparse = device.type != "mps"
        texts = None if around.query_texts is None else TextDraws.of(around.query_texts, device)
        self.step = TrainingStep(items, histories, candidate, query, config, around.group, texts)
        self.liked = self.step.liked
        self.steps_an_epoch = math.ceil(len(self.liked) / config.batch_size)
        self.optimisers = Optimisers(candidate, query, config.learning_rate)
        self.generator = torch.Generator().manual_seed(config.seed)
        # What is known of the epoch at work: random state before its order was drawn, steps done, sum of their losses.
        self.epoch, self.before_epoch, self.done, self.total = 1, self.generator.get_state(), 0, 0.0
        self.losses: list[float] = []
        self.scores: list[float] = []
        self.best: dict[str, Tensor] = {}

    def run(self, reporter: Reporter) -> Trained:
        """Train until the last epoch, or until validation has not gained for long enough."""
        resumed_at = self._restore()
        if self.around.log is not None:
            self.around.log.open(resumed_at or 0)
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
                loss = self.step.loss(pairs_B, self.generator)
                self.optimisers.step(loss, step / (self.config.epochs * self.steps_an_epoch), self.around.group)
                value = float(loss.detach())
                if not math.isfinite(value):
                    raise NearfieldError(self._loss_message(value, step))
                self.total += value * len(pairs_B)
                self.done += 1
                advance(len(pairs_B))
                if self.around.log is not None:
                    self.around.log.step(step + 1, self.epoch, len(pairs_B), value, self.optimisers.rate)
                if self.around.checkpoints is not None:
                    self.around.checkpoints.offer(self._state)

    def _end_epoch(self, reporter: Reporter) -> None:
        self.losses.append(self.total / len(self.liked))
        said = f"epoch {self.epoch}/{self.config.epochs}: loss {self.losses[-1]:.4f}"
        score = None
        if self.around.validate is not None:
            score = self.around.group.broadcast(self.around.validate(self.candidate, self.query))
            said += f", validation {score:.4f}"
            if score > max(self.scores, default=-math.inf):
                self.best = {name: weights.detach().clone() for name, weights in self.towers.state_dict().items()}
            self.scores.append(score)
        reporter.say(said)
        if self.losses[-1] == 0:
            reporter.say(
                "nothing is learnt: all items of a batch are liked by its listeners, so that there is nothing to tell "
                "them from; it takes listeners who like different things"
            )
        if self.around.log is not None:
            self.around.log.epoch(self._num_steps(), self.epoch, self.losses[-1], score)
        self.epoch, self.before_epoch, self.done, self.total = self.epoch + 1, self.generator.get_state(), 0, 0.0

    def _is_stale(self) -> bool:
        gained = int(np.argmax(self.scores)) + 1 if self.scores else 0
        return bool(self.scores) and len(self.scores) - gained >= self.config.patience

    def _num_steps(self) -> int:
        return (self.epoch - 1) * self.steps_an_epoch + self.done

    def _order(self) -> Tensor:
        """The pairs of the epoch at work in the order in which they are trained on: that of its own random state."""
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
        """Go on from the checkpoint, where there is one to go on from: the steps that it has done."""
        state = None if self.around.checkpoints is None else self.around.checkpoints.load()
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
        checkpoints = self.around.checkpoints
        kept = (
            f" The state before it is kept in {checkpoints.path}."
            if checkpoints is not None and checkpoints.path.is_file()
            else ""
        )
        return (
            f"The loss became {value} in epoch {self.epoch}, step {step}. Lower `learning_rate` "
            f"({self.config.learning_rate}) or raise `temperature` ({self.config.temperature}).{kept}"
        )


@contextmanager
def _repeatable(seed: int, device: torch.device) -> Iterator[None]:
    """Seeded fresh weights and, on the CPU, only operations whose result does not depend on the order of threads.

    Half of the threads: the operations are small, and threads that wait for one another spin. On two cores with
    other work on them, two threads took 153 s for what one did in 27; on idle ones they gain a tenth.
    """
    before, threads = torch.are_deterministic_algorithms_enabled(), torch.get_num_threads()
    filled = deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(seed)
        torch.use_deterministic_algorithms(device.type == "cpu")
        torch.set_num_threads(max(1, threads // 2))
        # It would find reads of memory never written, at a tenth of the time of a step; there are none here.
        deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
        try:
            yield
        finally:
            torch.use_deterministic_algorithms(before)
            torch.set_num_threads(threads)
            deterministic.fill_uninitialized_memory = filled  # type: ignore[attr-defined]
