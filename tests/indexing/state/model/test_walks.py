"""Random walks where there is too much to search whole: more workers, changes and releases, every fault at once."""

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, rule

from tests.indexing.state.model.rules import Rules
from tests.indexing.state.model.steps import steps
from tests.indexing.state.model.world import Setting, first_world


class Walk(RuleBasedStateMachine):
    """A step at a time, drawn from those that are possible."""

    setting = Setting(
        workers=3,
        releases=2,
        kinds=(0, 1, 0),
        reads=0,
        cuts=True,
        kills=True,
        crashes=True,
        standby="synchronous",
    )

    def __init__(self) -> None:
        super().__init__()
        self.world = first_world(self.setting)

    @rule(drawn=st.integers(0, 10_000))
    def step(self, drawn: int) -> None:
        """One of the possible steps."""
        possible = list(steps(self.world, self.setting, Rules()))
        what, self.world, broken = possible[drawn % len(possible)]
        assert broken is None, f"{what}: {broken}"
        assert not any(broken for _, _, broken in possible)


Walk.TestCase.settings = settings(max_examples=50, stateful_step_count=100, deadline=None)
TestWalk = Walk.TestCase
