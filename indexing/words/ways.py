"""The ways in which words of releases that can still be opened were made, by the hash that their manifests name."""

from collections.abc import Callable

from msgspec import Struct

from embedding.rows.schema import Item
from indexing.words.bm25 import terms_of, words_hash, words_of
from indexing.words.first_bm25 import first_terms_of, first_words_hash, first_words_of
from indexing.words.sparse import Sparse


class WordsWay(Struct, frozen=True):
    """One way: the words of an item, and those of a query, each once with a value of 1."""

    hash: Callable[[], str]
    words_of: Callable[[Item], Sparse]
    terms_of: Callable[[str], Sparse]


# That of today first; others stay as long as a release that was built by them can be opened.
_WAYS = (WordsWay(words_hash, words_of, terms_of), WordsWay(first_words_hash, first_words_of, first_terms_of))


def way_of(made_by: str) -> WordsWay | None:
    """The way whose hash is `made_by`; None where words are made so no more."""
    return next((way for way in _WAYS if way.hash() == made_by), None)
