"""The data of one training run: vocabulary, encoded items, training pairs, and those held out for validation."""

import hashlib
from collections.abc import Iterator

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from embedding.data.pairs import Pairs
from embedding.data.split import SplitPairs, validation_split
from embedding.data.task import Task
from embedding.data.train_config import TrainConfig
from embedding.errors import RejectedInputError
from embedding.progress import Advance, Reporter
from embedding.rows.schema import Item
from embedding.text.text_vectors import TextVectors
from embedding.towers.encoded_items import EncodedItems
from embedding.towers.vocabulary import Vocabulary
from embedding.training.dataset import Dataset, encode_items
from embedding.training.query_texts import QueryTexts, encode_query_texts


class TrainingData(Struct, frozen=True):
    """`items`: each item of `pairs` and of `validation`; `places` (P,): the place of each pair's item among them.

    `rows`: the catalogue row of each of `items`, ascending; `validation`: the task by which training stops, if any;
    `query_texts`: texts by which each of `items` may be searched, where the config has text queries.
    """

    vocabulary: Vocabulary
    items: EncodedItems
    pairs: Pairs
    places: NDArray[np.int64]
    rows: NDArray[np.int64]
    validation: Task | None = None
    query_texts: QueryTexts | None = None

    def fingerprint(self) -> str:
        """SHA-256 (hex) over all that the towers read of the items."""
        digest = hashlib.sha256(msgspec.json.encode((self.vocabulary.values, self.vocabulary.bounds)))
        bags = [part for _, bag in sorted(self.items.bags.items()) for part in (bag.flat, bag.offsets)]
        rows = [part for _, part in sorted(self.items.rows.items())]
        query_texts = self.query_texts
        texts = [] if query_texts is None else [query_texts.vectors, query_texts.texts.flat, query_texts.texts.offsets]
        for values in (self.items.ids, *bags, *rows, self.items.text, *texts):
            digest.update(np.ascontiguousarray(values).data)
        return digest.hexdigest()


def early_stopping_split(train: Pairs, config: TrainConfig) -> SplitPairs | None:
    """The training pairs split once more, for validation; None where the config has no `patience`.

    Raises RejectedInputError where nothing can be held out.
    """
    if not config.patience:
        return None
    parts = validation_split(train)
    if not len(parts.test):
        raise RejectedInputError(
            f"`patience` ({config.patience}) stops training by pairs held out of it, of users with five pairs or "
            "more, and there are none. Set it to 0."
        )
    return parts


def prepare_training_data(
    dataset: Dataset,
    train: Pairs,
    validated: SplitPairs | None,
    config: TrainConfig,
    texts: TextVectors,
    reporter: Reporter,
    start: Vocabulary | None = None,
) -> TrainingData:
    """Learn the vocabulary of the items in `train`; encode them and the candidates of `validated`.

    `validated`: `train` and the pairs held out of it; `start`: a vocabulary whose rows keep their places.
    """
    mask = dataset.item_mask(train.items)
    with reporter.stage("learn the vocabulary", int(mask.sum())) as advance:
        vocabulary = Vocabulary.learn(
            _advancing(dataset.items(mask), advance),
            config.features,
            {"creators": config.min_creator_items, "album": config.min_album_items, "tags": config.min_tag_items},
            np.bincount(train.items[train.positive], minlength=len(mask))[mask],
        )
    if start is not None:
        vocabulary = start.extended(vocabulary)
    task = None if validated is None else Task.of(validated, dataset.item_rows)
    if task is not None:
        mask |= task.is_candidate
    items = encode_items(dataset.items(mask), vocabulary, texts, reporter, total=int(mask.sum()))
    rows = np.flatnonzero(mask)
    query_texts = encode_query_texts(dataset.items(mask), texts, reporter) if config.text_query_weight else None
    return TrainingData(vocabulary, items, train, np.searchsorted(rows, train.items), rows, task, query_texts)


def _advancing(batches: Iterator[list[Item]], advance: Advance) -> Iterator[Item]:
    for batch in batches:
        yield from batch
        advance(len(batch))
