"""Settings of a training run that work against one another, or against the data: what is refused nowhere, but told.

Each is allowed, since somebody may mean it; most are left over from other features or from larger data.
"""

from collections.abc import Iterator

import numpy as np

from embedding.data.split import Split, SplitPairs
from embedding.data.train_config import DEFAULT_FEATURES, TrainConfig
from embedding.training.training_data import TrainingData

_DEFAULTS = TrainConfig()
# The key by which rare values of a feature are left out.
_LEAST_ITEMS = {"creators": "min_creator_items", "album": "min_album_items", "tags": "min_tag_items"}
# Features by which two items of one kind can be told apart.
_TELLING = {"id", "text", "creators", "album", "tags"}


def conflicts(config: TrainConfig) -> Iterator[str]:
    """What of `config` works against the rest of it, a sentence each."""
    if config.id_dropout and "id" not in config.features:
        yield f"`id_dropout` ({config.id_dropout:g}) changes nothing: `id` is not among the features."
    elif config.id_dropout and not config.can_hide_ids:
        yield (
            f"`id_dropout` ({config.id_dropout:g}) hides all that is known of an item in that share of its "
            "appearances, as `id` is the only feature. Set it to 0, or leave it out."
        )
    if not _TELLING & set(config.features):
        yield (
            f"`features` ({', '.join(config.features)}) give many items the same vector. Add one of "
            f"{', '.join(name for name in DEFAULT_FEATURES if name in _TELLING)}."
        )
    for name in sorted({name for name in config.features if config.features.count(name) > 1}):
        yield f"`features` name `{name}` more than once, which adds nothing."
    for feature, key in _LEAST_ITEMS.items():
        value = getattr(config, key)
        if feature not in config.features and value != getattr(_DEFAULTS, key):
            yield f"`{key}` ({value:,}) changes nothing: `{feature}` is not among the features."
    if config.train_history_length > config.history_length:
        yield (
            f"`train_history_length` ({config.train_history_length:,}) is more than `history_length` "
            f"({config.history_length:,}): the towers learn from longer histories than they are ever asked with."
        )
    if config.patience >= config.epochs:
        yield (
            f"`patience` ({config.patience:,}) is not below `epochs` ({config.epochs:,}), so that training never stops "
            "early: a fifth of the pairs is held out of it only to choose the epoch. Raise `epochs`, or set `patience` "
            "to 0."
        )


def conflicts_with_data(config: TrainConfig, data: TrainingData) -> Iterator[str]:
    """What of `config` these data are too few or too bare for, a sentence each."""
    liked = data.pairs.items[data.pairs.positive]
    if len(liked) <= config.batch_size:
        yield (
            f"`batch_size` ({config.batch_size:,}) takes all {len(liked):,} pairs at once: an epoch is one step, and "
            f"`epochs` ({config.epochs:,}) of them teach little. Lower the one, or raise the other."
        )
    num_liked = len(np.unique(liked))
    if num_liked < 2 * config.hard_negatives:
        yield (
            f"`hard_negatives` ({config.hard_negatives}) are chosen among few: {num_liked:,} items have listeners, so "
            f"that they are random items, and no hard ones. Set it to {num_liked // 20} or so."
        )
    if np.unique(data.pairs.users, return_counts=True)[1].max(initial=0) < 2:
        yield (
            "Nobody has two items, so that every history is empty: the towers learn what is popular, and nobody's "
            "taste. Give more interactions a user."
        )
    for feature in config.features:
        known = data.vocabulary.values.get(feature, data.vocabulary.bounds.get(feature))
        key = _LEAST_ITEMS.get(feature)
        least = None if key is None else getattr(config, key)
        is_chosen = config.features != DEFAULT_FEATURES or (key is not None and least != getattr(_DEFAULTS, key))
        if known is not None and not known and is_chosen:
            rare = "" if key is None else f" on {least:,} of them or more (`{key}`)"
            yield f"`{feature}` is among the features, and no item trained on has one{rare}: it adds nothing."


def nothing_held_out(split: Split, parts: SplitPairs) -> Iterator[str]:
    """That a split which is to hold pairs out holds none."""
    if split.name == "common" and not len(parts.test):
        yield (
            "`--split common` holds nothing out: no user has five items to take a fifth of. `nearfield evaluate` "
            "will have nothing to rank for but what --test names."
        )
