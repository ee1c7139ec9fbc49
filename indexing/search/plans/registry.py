"""All plans, by name, in the order in which the doctor tries them: a new one is a file beside this and a line here."""

from embedding.registry import Registry
from indexing.search.plan import Plan, StoredPlan
from indexing.search.plans.columns import COLUMNS
from indexing.search.plans.engine import ACORNS, EXACT, GRAPHS, engine_plan
from indexing.search.plans.principal_components import PRINCIPAL_COMPONENTS

PLANS: Registry[Plan] = Registry(
    "plan",
    (
        COLUMNS,
        PRINCIPAL_COMPONENTS,
        *GRAPHS,
        *ACORNS,
        EXACT,
    ),
)


def plan_of(stored: StoredPlan, plans: Registry[Plan] = PLANS) -> Plan:
    """The plan that stands so in a plans file: by name among `plans`, or any search of the engine.

    UsageError for a name that no plan has.
    """
    return plans[stored] if isinstance(stored, str) else engine_plan(stored)


def plan_name(stored: StoredPlan) -> str:
    """A plan as it is shown."""
    return stored if isinstance(stored, str) else engine_plan(stored).name
