"""What is told by combinations is what is told item by item: which rows pass, and what share of them."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexing.columns.rule_combinations import COMBINED_FIELDS, RuleCombinations, RuleCombinationsWriter
from indexing.filters.algebra import EVERYTHING, Equals, Filter, HasId, fields_of
from indexing.filters.predicate import predicate
from indexing.payload.payload import Payload
from tests.indexing.drawn import AT_LENGTH, filters, payloads

NUM_ROWS = 60


def facts_of(rows: list[Payload], folder: Path) -> RuleCombinations:
    writer = RuleCombinationsWriter()
    # In two batches, as a build does.
    writer.add(rows[: len(rows) // 3])
    writer.add(rows[len(rows) // 3 :])
    writer.save(folder)
    return RuleCombinations.load(folder)


def test_combinations_say_what_the_predicate_says_of_each_row() -> None:
    num_asked = num_passing = 0
    rows = payloads(3, NUM_ROWS)
    with TemporaryDirectory() as folder:
        facts = facts_of(rows, Path(folder))

        @settings(AT_LENGTH, max_examples=850)
        @given(where=filters(NUM_ROWS))
        def agree(where: Filter) -> None:
            nonlocal num_asked, num_passing
            if not fields_of(where) <= COMBINED_FIELDS:
                with pytest.raises(ValueError, match=r"cannot be asked|expected a condition on"):
                    facts.mask(where)
                return
            passes = predicate(where)
            expected = [row for row, payload in enumerate(rows) if passes(row, payload)]
            assert facts.rows(facts.mask(where)).tolist() == expected
            assert facts.share(where) == len(expected) / NUM_ROWS
            num_asked += 1
            num_passing += bool(expected)

        agree()
    # Many filters could be asked, with an answer and without.
    assert num_asked >= 250
    assert 50 <= num_passing <= num_asked - 50


@settings(max_examples=30)
@given(order=st.permutations(range(12)))
def test_the_table_does_not_depend_on_the_order_of_the_rows(order: list[int]) -> None:
    rows = payloads(5, 12)
    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        facts_of(rows, Path(one))
        shuffled = facts_of([rows[row] for row in order], Path(other))
        assert (Path(one) / "facts.msgpack").read_bytes() == (Path(other) / "facts.msgpack").read_bytes()
        found = shuffled.rows(shuffled.mask(Equals("explicit", 1)))
        assert [rows[order[row]].explicit for row in found] == [1] * len(found)


def test_an_empty_release_has_no_rows_and_no_share(tmp_path: Path) -> None:
    facts = facts_of([], tmp_path)
    assert facts.share(EVERYTHING) == 0.0
    assert facts.rows(facts.mask(EVERYTHING)).dtype == np.int64


def test_row_numbers_cannot_be_asked(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="row numbers"):
        facts_of(payloads(1, 3), tmp_path).mask(HasId(frozenset({1})))
