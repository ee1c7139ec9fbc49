"""A request's own `filter`, as docs/api.md tells it, over rows as they stand in the file."""

from collections.abc import Mapping, Sequence
from typing import Any

from embedding.rows.schema import Item
from embedding.rows.times import ceil_us, epoch_us
from service.hunt.plain_names import same_name
from service.hunt.ranges import in_range


def fulfils(item: Item, where: Mapping[str, Any]) -> bool:
    """Whether `item` is what `where` asks for; one without the field fulfils no condition on it."""
    if "all" in where:
        return all(fulfils(item, part) for part in where["all"])
    if "any" in where:
        return any(fulfils(item, part) for part in where["any"])
    if "none" in where:
        return not any(fulfils(item, part) for part in where["none"])
    field: str = where["field"]
    values = _values(item, field)
    if "range" in where:
        return any(_within(value, where["range"], field) for value in values)
    wanted = where["one_of"] if "one_of" in where else [where["equals"]]
    return any(_same(value, one, field) for value in values for one in wanted)


def _values(item: Item, field: str) -> Sequence[Any]:
    if field == "tags":
        return item.tags
    if field == "creators":
        return (item.creator, *item.creators)
    value = getattr(item, "published_us" if field == "published_at" else field)
    return () if value is None else (value,)


def _same(value: Any, wanted: Any, field: str) -> bool:
    if field == "creators":
        return same_name(value, wanted)
    if field == "language":
        return in_range(value, wanted)
    return bool(value == wanted)


def _within(value: float, bounds: Mapping[str, Any], field: str) -> bool:
    limits = dict(bounds)
    if field == "published_at":
        # Of a bound between two microseconds, which no row has, the later one is after it.
        limits = {name: (ceil_us if name in ("gte", "lt") else epoch_us)(bound) for name, bound in bounds.items()}
    return (
        ("gt" not in limits or value > limits["gt"])
        and ("gte" not in limits or value >= limits["gte"])
        and ("lt" not in limits or value < limits["lt"])
        and ("lte" not in limits or value <= limits["lte"])
    )
