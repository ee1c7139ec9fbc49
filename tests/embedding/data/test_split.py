"""The common split against its definition, pair by pair; the others against what they promise."""

import hashlib
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedding.data.pairs import Pairs, PairsBuilder
from embedding.data.split import (
    Split,
    SplitName,
    SplitPairs,
    choose_split,
    described_cut,
    split_pairs,
    validation_split,
)
from embedding.errors import RejectedInputError
from embedding.rows.schema import Interaction

ITEMS = {f"item {place}": place for place in range(30)}
ROWS = st.lists(
    st.builds(
        Interaction,
        st.sampled_from([f"user/{number}" for number in range(6)]),
        st.sampled_from(list(ITEMS)),
        st.none() | st.floats(0, 1e9),
        st.sampled_from([-2.0, -1.0, 0.0, 1.0, 3.0]),
    ),
    min_size=1,
    max_size=120,
)


def collect(rows: list[Interaction]) -> PairsBuilder:
    builder = PairsBuilder(ITEMS)
    builder.add(rows)
    return builder


def read(rows: list[Interaction]) -> tuple[Pairs, dict[int, str]]:
    builder = collect(rows)
    return builder.finish(), {row: name for name, row in builder.user_rows.items()}


def split_rows(rows: list[Interaction], name: SplitName) -> SplitPairs:
    builder = collect(rows)
    pairs = builder.finish()
    return split_pairs(pairs, builder, choose_split(pairs, builder, name))


def cut_of(rows: list[Interaction]) -> Split:
    builder = collect(rows)
    return choose_split(builder.finish(), builder, "time")


def names(pairs: Pairs, users: dict[int, str]) -> set[tuple[str, str]]:
    items = list(ITEMS)
    return {(users[user], items[item]) for user, item in zip(pairs.users.tolist(), pairs.items.tolist(), strict=True)}


def digit(user: str, item: str) -> int:
    return int(hashlib.sha256(f"{user}\t{item}".encode()).hexdigest(), 16)


@settings(deadline=None)
@given(ROWS)
def test_common_split_is_the_one_that_is_written_down(rows: list[Interaction]) -> None:
    weights: Counter[tuple[str, str]] = Counter()
    for row in rows:
        weights[row.user_id, row.item_id] += row.weight  # type: ignore[assignment]
    liked = {pair for pair, weight in weights.items() if weight > 0}
    num_pairs = Counter(user for user, _ in liked)
    test = {(user, item) for user, item in liked if digit(user, item) % 5 == 0 and num_pairs[user] >= 5}
    pairs, users = read(rows)
    if not liked - test:
        with pytest.raises(RejectedInputError, match="no positive pair"):
            split_rows(rows, "common")
        return

    parts = split_rows(rows, "common")

    assert names(parts.test, users) == test
    assert names(parts.train, users) == {pair for pair, weight in weights.items() if weight != 0} - test
    assert len(parts.train) + len(parts.test) == len(names(pairs, users))


@settings(deadline=None)
@given(ROWS)
def test_both_digits_are_those_of_the_whole_hash(rows: list[Interaction]) -> None:
    pairs, users = read(rows)
    items = list(ITEMS)

    for place in range(len(pairs)):
        number = digit(users[int(pairs.users[place])], items[int(pairs.items[place])])
        assert pairs.folds[place] == number % 5
        assert pairs.next_folds[place] == number // 5 % 5


@settings(deadline=None)
@given(ROWS, st.randoms())
def test_fingerprint_does_not_depend_on_the_order_of_rows(rows: list[Interaction], random: object) -> None:
    before, _ = read(rows)
    random.shuffle(rows)  # type: ignore[attr-defined]

    assert read(rows)[0].fingerprint() == before.fingerprint()


def test_fingerprint_sees_a_changed_pair_weight_or_time() -> None:
    row = Interaction("u", "item 1", 5.0, 1.0)
    others = [Interaction("v", "item 1", 5.0), Interaction("u", "item 1", 6.0), Interaction("u", "item 1", 5.0, 2.0)]

    assert len({read([changed])[0].fingerprint() for changed in (row, *others)}) == 4


def test_a_pair_counts_once_with_its_first_time_and_the_sum_of_its_weights() -> None:
    rows = [
        Interaction("u", "item 1", 50.0, 1.0),
        Interaction("u", "item 2"),
        Interaction("u", "item 1", None, 1.0),
        Interaction("u", "item 1", 40.0, -3.0),
        Interaction("u", "item 3", 1.0, 1.0),
        Interaction("u", "item 3", 2.0, -1.0),
    ]

    pairs, _ = read(rows)

    assert pairs.items.tolist() == [1, 2]
    assert pairs.weights.tolist() == [-1.0, 1.0]
    assert pairs.at_s.tolist()[0] == 40.0
    assert np.isnan(pairs.at_s[1])


def test_time_split_tests_on_the_newest_fifth() -> None:
    rows = [Interaction("u", name, float(place)) for name, place in ITEMS.items()]
    pairs, _ = read(rows)

    split = cut_of(rows)
    parts = split_rows(rows, "time")

    assert split.cut_s == 24.0
    assert parts.train.at_s.max() < 24.0 <= parts.test.at_s.min()
    assert len(parts.test) == 6
    said = described_cut(pairs, split)
    assert said == "Split in time at 1970-01-01T00:00:24Z: 6 of 30 pairs (20.0%) were first seen from then on."
    assert described_cut(pairs, Split(name="common")) is None


@pytest.mark.parametrize(("newest", "held_out"), [(8, 8), (9, 9), (11, 11), (20, 20)])
def test_time_split_is_as_near_a_fifth_as_ties_allow(newest: int, held_out: int) -> None:
    """Thirty pairs, the newest of one time, the others of the times before, four each."""
    times = [1_000.0 if place >= 30 - newest else float(place // 4) for place in range(30)]
    rows = [Interaction("u", name, at_s) for name, at_s in zip(ITEMS, times, strict=True)]
    pairs, _ = read(rows)

    split = cut_of(rows)

    later = [sum(at_s >= cut_s for at_s in times) for cut_s in sorted(set(times))[1:]]
    assert split.cut_s == 1_000.0
    assert (pairs.at_s >= split.cut_s).sum() == held_out == min(later, key=lambda number: abs(number - 6))
    said = described_cut(pairs, split)
    assert said is not None
    assert "as near to a fifth as can be" in said


@given(
    st.lists(
        st.builds(
            Interaction,
            st.sampled_from([f"user/{number}" for number in range(6)]),
            st.sampled_from(list(ITEMS)),
            st.integers(0, 20).map(float),
            st.sampled_from([-2.0, -1.0, 0.0, 1.0, 3.0]),
        ),
        min_size=2,
        max_size=60,
    )
)
def test_time_split_trains_on_what_had_come_before_the_cut_and_nothing_else(rows: list[Interaction]) -> None:
    _, users = read(rows)
    split = cut_of(rows)
    assert split.cut_s is not None
    cut_s = split.cut_s
    before: Counter[tuple[str, str]] = Counter()
    for row in rows:
        assert row.at is not None
        if row.at < cut_s:
            before[row.user_id, row.item_id] += row.weight  # type: ignore[assignment]
    if not any(weight > 0 for weight in before.values()):
        with pytest.raises(RejectedInputError, match="no positive pair"):
            split_rows(rows, "time")
        return

    parts = split_rows(rows, "time")

    items = list(ITEMS)
    trained = {
        (users[user], items[item]): weight
        for user, item, weight in zip(
            parts.train.users.tolist(), parts.train.items.tolist(), parts.train.weights.tolist(), strict=True
        )
    }
    assert trained == {pair: weight for pair, weight in before.items() if weight != 0}
    first_seen: dict[tuple[str, str], float] = {}
    for row in rows:
        pair = (row.user_id, row.item_id)
        first_seen[pair] = min(first_seen.get(pair, np.inf), row.at or 0.0)
    assert all(first_seen[pair] >= cut_s for pair in names(parts.test, users))


def test_time_split_without_times_is_refused_with_the_number_of_rows() -> None:
    timed = [Interaction("u", "item 1", 1.0), Interaction("u", "item 2", 2.0)]

    # A pair that has a time elsewhere is no better: nobody knows on which side of the cut the row was.
    for row in (Interaction("u", "item 3"), Interaction("u", "item 1")):
        with pytest.raises(RejectedInputError, match="1 of 3 rows have none"):
            cut_of([*timed, row])


def test_time_split_of_one_moment_is_refused() -> None:
    with pytest.raises(RejectedInputError, match="not all of one time"):
        split_rows([Interaction("u", name, 9.0) for name in ITEMS], "time")


def test_none_holds_nothing_out() -> None:
    parts = split_rows([Interaction("u", name) for name in ITEMS], "none")

    assert (len(parts.train), len(parts.test)) == (30, 0)


def test_validation_pairs_are_training_pairs_of_the_common_split() -> None:
    rows = [Interaction(f"user {user}", name) for user in range(5) for name in ITEMS]
    _, users = read(rows)
    common = split_rows(rows, "common")

    inner = validation_split(common.train)

    assert len(inner.test) > 0
    assert names(inner.test, users) | names(inner.train, users) == names(common.train, users)
    assert not names(inner.test, users) & names(inner.train, users)
    assert not names(inner.test, users) & names(common.test, users)
