"""The search modes. A new one is a file beside these, a line here, and its name in SearchRequest."""

from embedding.registry import Registry
from service.ranking.hybrid_mode import HybridMode
from service.ranking.lexical_mode import LexicalMode
from service.ranking.semantic_mode import SemanticMode
from service.ranking.text_search import SearchMode
from service.ranking.tower_mode import TowerMode

MODES: tuple[SearchMode, ...] = (HybridMode(), SemanticMode(), LexicalMode(), TowerMode())
SEARCH_MODES: Registry[SearchMode] = Registry("mode", MODES)
