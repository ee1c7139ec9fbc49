"""The plan follows the share that passes: scan what is little, look further where the graph loses recall."""

import pytest

from indexing.plans import plan_for
from indexing.store import Plan


@pytest.mark.parametrize(
    ("share", "plan"),
    [
        (0.0, Plan(exact=True)),
        (0.0999, Plan(exact=True)),
        (0.10, Plan(ef=512)),
        (0.4499, Plan(ef=512)),
        (0.45, Plan(ef=128)),
        (1.0, Plan(ef=128)),
    ],
)
def test_bands(share: float, plan: Plan) -> None:
    assert plan_for(share) == plan
