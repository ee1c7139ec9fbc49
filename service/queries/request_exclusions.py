"""Exclusions of a request: what it was asked with, what it excludes by id, what the listener has heard."""

from indexing.journal.current_rows import CurrentRows
from service.loaded.exclusions import Exclusions
from service.loaded.known_ids import find_rows
from service.queries.query_source import QuerySource
from service.schemas.requests import Query

# Up to so many ids are looked up beforehand; of more, each row that a page meets is asked for its id instead.
_FEW_IDS = 32


def exclusions_of(query: Query, source: QuerySource, rows: CurrentRows) -> Exclusions:
    """What must not come back to this one request."""
    posted = set(source.rows)
    num_ids = len(query.exclude) + len(query.context.blocked_items)
    if num_ids <= _FEW_IDS:
        if num_ids:
            posted |= find_rows(rows.find, query.exclude, query.context.blocked_items)
        return Exclusions(posted, heard=source.heard)
    return Exclusions(posted, ids=(*query.exclude, *query.context.blocked_items), names=rows, heard=source.heard)
