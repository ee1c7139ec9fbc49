"""The search modes. A new one is a file beside these, a line here, and its name in SearchRequest."""

from embedding.registry import Registry
from service.ranking.mode_hybrid import HybridMode
from service.ranking.mode_lexical import LexicalMode
from service.ranking.mode_semantic import SemanticMode
from service.ranking.mode_tower import TowerMode
from service.ranking.text_search import SearchMode

MODES: tuple[SearchMode, ...] = (HybridMode(), SemanticMode(), LexicalMode(), TowerMode())
SEARCH_MODES: Registry[SearchMode] = Registry("mode", MODES)
