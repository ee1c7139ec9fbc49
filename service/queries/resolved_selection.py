"""A request for counts, a listing or suggestions on its way through the stages: each adds what it has decided."""

from indexing.rules.compiled import CompiledContext
from service.browsing.selected_rows import SelectedRows
from service.loaded.exclusions import Exclusions
from service.queries.pagination import SelectionState
from service.schemas.requests import Selection


class ResolvedSelection:
    """The request and what the stages have decided of it so far; a field that no stage has set yet is not there."""

    begun: SelectionState
    """Set by the stage `context`."""
    compiled: CompiledContext
    """Set by the stage `context`."""
    excluded: Exclusions
    """Set by the stage `exclusions`."""
    selected: SelectedRows
    """Set by the stage `re-check`."""

    def __init__(self, query: Selection, context_field: str = "context.") -> None:
        self.query, self.context_field = query, context_field
