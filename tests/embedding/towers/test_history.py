"""Which items stand in a history: never the pair itself, never more than allowed, the newest at serving."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from embedding.data.pairs import Pairs, PairsBuilder
from embedding.data.train_config import TrainConfig
from embedding.rows.schema import Interaction
from embedding.towers.history import Histories, has_times_of_day
from embedding.towers.query_tower import HistoryTensors, history_weights, hour_of, hours_of

CPU = torch.device("cpu")
ITEMS = {str(place): place for place in range(40)}
CONFIG = TrainConfig(history_length=5)


def pairs_of(rows: list[Interaction]) -> Pairs:
    builder = PairsBuilder(ITEMS)
    builder.add(rows)
    return builder.finish()


def histories_of(rows: list[Interaction], config: TrainConfig = CONFIG) -> Histories:
    pairs = pairs_of(rows)
    return Histories.of(pairs, pairs.items, config, CPU)


def lists(history: HistoryTensors) -> list[list[int]]:
    bounds = history.offsets.tolist()
    return [history.places_H[start:end].tolist() for start, end in pairwise(bounds)]


LISTENS = st.lists(st.tuples(st.sampled_from("uvw"), st.sampled_from(list(ITEMS))), min_size=1, unique=True)


@settings(deadline=None)
@given(LISTENS, st.integers(1, 8), st.integers(0, 2**31))
def test_a_pair_is_never_in_its_own_history_which_holds_others_of_its_user_in_a_row(
    listens: list[tuple[str, str]], length: int, seed: int
) -> None:
    rows = [Interaction(user, item, float(order)) for order, (user, item) in enumerate(listens)]
    heard = {user: [int(item) for name, item in listens if name == user] for user, _ in listens}
    histories = histories_of(rows)
    every = torch.arange(len(rows))

    history = histories.around(every, length, torch.Generator().manual_seed(seed))

    users = list(dict.fromkeys(user for user, _ in listens))
    for pair, places in enumerate(lists(history)):
        user = users[int(histories.user_P[pair])]
        own = int(histories.items_P[pair])
        assert own not in places
        assert len(places) == min(length, len(heard[user]) - 1)
        run = sorted(heard[user].index(place) for place in [*places, own])
        assert run == list(range(run[0], run[0] + len(run)))


def test_every_run_around_a_pair_is_drawn_sooner_or_later() -> None:
    histories = histories_of([Interaction("u", str(place), float(place)) for place in range(6)])
    generator = torch.Generator().manual_seed(0)

    drawn = {tuple(lists(histories.around(torch.tensor([2]), 2, generator))[0]) for _ in range(60)}

    assert drawn == {(0, 1), (1, 3), (3, 4)}


def test_the_newest_come_last_and_pairs_without_a_time_count_as_oldest() -> None:
    rows = [
        Interaction("u", "1", 30.0),
        Interaction("v", "9", 1.0),
        Interaction("u", "2", 10.0),
        Interaction("u", "3"),
        Interaction("u", "4", 20.0),
    ]
    histories = histories_of(rows)

    newest = histories.newest(np.array([1, 0, 5]), 3)

    assert lists(newest) == [[9], [2, 4, 1], []]
    assert lists(histories.newest(np.array([0]), 10)) == [[3, 2, 4, 1]]


def test_skips_weigh_against_and_play_counts_only_where_the_config_says_so() -> None:
    weights = torch.tensor([1.0, 7.0, -1.0, -3.0, 0.0])

    assert history_weights(weights, TrainConfig()).tolist() == [1.0, 1.0, -1.0, -1.0, 0.0]
    assert history_weights(weights, TrainConfig(history_weights="log")).tolist() == [1.0, 3.0, -1.0, -2.0, 0.0]


def test_skips_are_history_but_never_what_is_to_be_found() -> None:
    histories = histories_of([Interaction("u", "1"), Interaction("u", "2", None, -1.0)])

    assert histories.items_P[histories.liked()].tolist() == [1]
    assert lists(histories.around(histories.liked(), 5, torch.Generator())) == [[2]]


def test_hours_are_utc_and_unknown_where_no_time_or_only_a_date_is_known() -> None:
    at_s = torch.tensor([0.0, 3_599.0, 3_600.0, 86_399.0, 86_400.0, -1.0, float("nan")], dtype=torch.float64)

    assert hours_of(at_s).tolist() == [1, 1, 2, 24, 1, 24, 0]
    assert [hour_of(value) for value in (0.0, 3_599.9, 86_399.0, -1.0, None)] == [1, 1, 24, 24, 0]
    assert not has_times_of_day(np.array([0.0, 86_400.0, np.nan]))
    assert has_times_of_day(np.array([0.0, 86_401.0]))
    dates = histories_of([Interaction("u", "1", 0.0), Interaction("u", "2", 86_400.0)])
    assert dates.hours_P.tolist() == [0, 0]


@settings(deadline=None)
@given(LISTENS, st.integers(0, 2**31))
def test_what_a_user_liked_is_told_of_every_pair_of_theirs_and_a_skip_is_not(
    listens: list[tuple[str, str]], seed: int
) -> None:
    draw = np.random.default_rng(seed)
    weights = draw.choice([-1.0, 1.0, 2.5], len(listens)).tolist()
    histories = histories_of(
        [Interaction(*listen, None, weight) for listen, weight in zip(listens, weights, strict=True)]
    )
    pairs = torch.from_numpy(draw.integers(0, len(listens), 12))
    items = histories.items_P[torch.from_numpy(draw.integers(0, len(listens), 12))]

    liked = histories.liked_among(pairs, items)

    known = {listen for listen, weight in zip(listens, weights, strict=True) if weight > 0}
    names = list(dict.fromkeys(user for user, _ in listens))
    for row, pair in enumerate(pairs.tolist()):
        user = names[int(histories.user_P[pair])]
        assert liked[row].tolist() == [(user, str(item)) in known for item in items.tolist()]


def test_of_lists_that_are_long_together_a_run_around_a_pair_of_the_batch_is_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("embedding.towers.history._MOST_LOOKED_AT", 12)
    rows = [Interaction(user, str(item), float(item)) for user in "uv" for item in range(20)]
    histories = histories_of(rows)
    items = torch.arange(20)

    # Six of each: the pair itself, three before it and two after, or as near as the ends let them.
    first, last, short = histories.liked_among(torch.tensor([10, 39, 10]), items)

    assert first.nonzero()[:, 0].tolist() == short.nonzero()[:, 0].tolist() == [7, 8, 9, 10, 11, 12]
    assert last.nonzero()[:, 0].tolist() == [14, 15, 16, 17, 18, 19]
