"""From posted ids to rows of the release, and the problem for ids that are not in the catalogue."""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from msgspec import Struct

from service.schemas.problems import FieldError, ProblemError
from service.schemas.requests import Listen, Seed
from service.schemas.validation import shown

# The row of an id, -1 for one that is not in the catalogue.
Find = Callable[[str], int]


class Found(Struct, frozen=True):
    """Rows, weights and places of the entries that are in the catalogue, in their order, and the ids of the others."""

    rows: list[int]
    weights: list[float]
    places: list[int]
    skipped: tuple[str, ...]


def find_entries(
    find: Find,
    entries: Sequence[Seed | Listen],
    field: str,
    unknown: Literal["error", "skip"],
    *,
    none_will_do: bool = False,
) -> Found:
    """Look up seeds or listens; `field` is their name in the request.

    Raises a 400 problem naming those that are not in the catalogue, unless `unknown` lets them be skipped and one
    is left, or `none_will_do`.
    """
    rows: list[int] = []
    weights: list[float] = []
    places: list[int] = []
    missing: list[int] = []
    for place, entry in enumerate(entries):
        if entry.id is None:
            # A vector, which is known without an id.
            continue
        row = find(entry.id)
        if row < 0:
            missing.append(place)
        else:
            rows.append(row)
            weights.append(entry.weight)
            places.append(place)
    if missing and (unknown == "error" or not (rows or none_will_do)):
        errors = tuple(
            FieldError(f"{field}[{place}].id", "the id of an item in the catalogue", shown(entries[place].id))
            for place in missing
        )
        named = ", ".join(shown(entries[place].id) for place in missing[:5]) + (", …" if len(missing) > 5 else "")
        advice = (
            'Leave them out, or send `"unknown_seeds": "skip"`.' if rows else "At least one must be in the catalogue."
        )
        detail = f"{len(missing)} of {len(entries)} ids in `{field}` are not in the catalogue: {named}. {advice}"
        raise ProblemError("unknown-seeds", detail, errors)
    return Found(rows, weights, places, tuple(str(entries[place].id) for place in missing))


def find_rows(find: Find, *lists: Iterable[str]) -> set[int]:
    """Rows of all ids that the catalogue has; what it does not have cannot come back anyway."""
    found = {find(text) for some in lists for text in some}
    found.discard(-1)
    return found
