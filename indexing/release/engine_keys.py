"""What an engine is asked whose points hold the keys of names that were made another way than those of today."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from indexing.columns.rekeyed import RekeyedColumns, RekeyedCreators
from indexing.filters.algebra import All, AnyOf, Equals, Filter, NoneOf, OneOf

_FIELD = "creator_keys"


class _NotInEngine:
    """As a filter it is none: a store that is asked with it fails."""

    def __repr__(self) -> str:
        return "NOT_IN_ENGINE"


NOT_IN_ENGINE: Final = _NotInEngine()
"""Stands for a filter that no engine can tell: the columns answer, which miss nothing."""


class _NotToldError(Exception):
    pass


def prepared_for_stored_keys(columns: RekeyedColumns, prepare: Callable[[Filter], Any], where: Filter) -> Any:
    """`where` in the engine's form, by the keys that its points hold of the creators that are asked for.

    NOT_IN_ENGINE where no keys of theirs tell just the rows that are asked for.
    """
    try:
        return prepare(_by_stored_keys(where, columns, RekeyedCreators(columns)))
    except _NotToldError:
        return NOT_IN_ENGINE


def _by_stored_keys(where: Filter, columns: RekeyedColumns, creators: RekeyedCreators) -> Filter:
    match where:
        case All(parts) | AnyOf(parts) | NoneOf(parts):
            return type(where)(tuple(_by_stored_keys(part, columns, creators) for part in parts))
        case Equals(field, value) if field == _FIELD:
            return _by_stored_keys(OneOf(field, frozenset({str(value)})), columns, creators)
        case OneOf(field, values) if field == _FIELD:
            stored = frozenset(key for name in values for key in columns.stored_keys.get(str(name), ()))
            if not np.array_equal(columns.stored_creators.rows(stored), creators.rows(map(str, values))):
                raise _NotToldError
            return OneOf(field, stored)
        case _:
            return where
