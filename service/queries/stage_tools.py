"""What the stages work with: made once for each loaded release and rule set."""

from indexing.stores.contract import VectorStore
from service.arranging.page import Pages
from service.browsing.facet_counts import FacetCounts
from service.browsing.listing import Listing
from service.browsing.selected_rows import Selector
from service.browsing.suggestions import Suggester
from service.loaded.kind_quotas import KindQuotas
from service.loaded.loaded_release import LoadedRelease
from service.queries.context import ContextDefaults
from service.queries.cursors import Cursors
from service.queries.explain import Explainer
from service.queries.pagination import Pagination
from service.queries.query_vector import QueryVectors
from service.queries.why import Why
from service.ranking.encoder_gate import EncoderGate
from service.ranking.rankings import Rankings
from service.ranking.text_search import TextSearch
from service.schemas.shown_rows import ShownRows


class StageTools:
    """Everything that a stage may use."""

    def __init__(
        self,
        loaded: LoadedRelease,
        store: VectorStore,
        encoder: EncoderGate,
        cursors: Cursors,
        defaults: ContextDefaults,
    ) -> None:
        """`encoder`: of the release's text vectors."""
        self.loaded = loaded
        self.release = loaded.release
        self.rows = loaded.rows
        self.kind_quotas = KindQuotas(loaded.rows)
        self.rankings = Rankings(store, loaded)
        self.text_search = TextSearch(encoder, loaded, self.rankings.neighbours, self.kind_quotas)
        self.query_vectors = QueryVectors(loaded, self.kind_quotas)
        self.pagination = Pagination(loaded, cursors, defaults, self.rankings.recheck)
        self.pages = Pages(loaded)
        self.explainer = Explainer(loaded, self.rankings)
        self.why = Why(loaded, self.pages)
        self.shown_rows = ShownRows(loaded.rows)
        self.selector = Selector(loaded, self.rankings.recheck)
        self.facet_counts = FacetCounts(loaded)
        self.listing = Listing(loaded)
        self.suggester = Suggester(loaded)
