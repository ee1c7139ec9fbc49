"""Random walks where there is too much to search whole: more workers, changes and versions, every fault at once."""

import hypothesis.strategies as st
import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tests.indexing.state.model.rules import Promise, Rules
from tests.indexing.state.model.scenarios import without
from tests.indexing.state.model.steps import steps
from tests.indexing.state.model.world import Setting, first_world

FAULTS = ("killed", "crashes", "promoted")


class Walk(RuleBasedStateMachine):
    """A step at a time, drawn from those that are possible; faults are rare, so that there is time between them."""

    setting = Setting(
        workers=2, releases=2, kinds=(0, 1, 0), reads=0, cuts=True, kills=True, crashes=True, standby="synchronous"
    )
    held = Rules()

    def __init__(self) -> None:
        super().__init__()
        self.world = first_world(self.setting)

    @rule(drawn=st.integers(0, 10**6))
    def step(self, drawn: int) -> None:
        """One of the possible steps, none of which breaks a promise."""
        possible = list(steps(self.world, self.setting, self.held))
        assert [(what, broken) for what, _, broken in possible if broken in self.promises()] == []
        often = [it for it in possible for _ in range(1 if any(fault in it[0] for fault in FAULTS) else 20)]
        _, self.world, _ = often[drawn % len(often)]

    def promises(self) -> tuple[Promise, ...]:
        """What can be kept in this setting."""
        return tuple(Promise)


class WalkWithLoss(Walk):
    """The same beside an asynchronous standby."""

    setting = Walk.setting._replace(standby="asynchronous")

    def promises(self) -> tuple[Promise, ...]:
        return tuple(promise for promise in Promise if promise is not Promise.VANISHED)


class WalkFromSequences(Walk):
    """The same with numbers from a sequence: what a walk must find."""

    held = without("number_under_lock")


LENGTH = settings(max_examples=40, stateful_step_count=100, deadline=None)


@pytest.mark.parametrize("walk", [Walk, WalkWithLoss])
def test_no_walk_breaks_a_promise(walk: type[Walk]) -> None:
    run_state_machine_as_test(walk, settings=LENGTH)


def test_a_walk_finds_a_hole() -> None:
    found_alike = settings(LENGTH, phases=[Phase.generate], derandomize=True, database=None)
    with pytest.raises(AssertionError, match="GAP"):
        run_state_machine_as_test(WalkFromSequences, settings=found_alike)
