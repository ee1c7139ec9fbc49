"""Whether an engine holds the words that the columns hold: some rows are asked for by their own rarest words."""

from collections.abc import Sequence

import numpy as np

from indexing.stores.contract import VectorStore
from indexing.words.bm25 import BM25
from indexing.words.columns import Words
from indexing.words.sparse import Sparse

# A row and as many that share its words; the rarest of them keep the others few.
_LIMIT, _NUM_WORDS = 10, 8


async def rows_of_other_words(store: VectorStore, collection: str, words: Words, rows: Sequence[int]) -> list[int]:
    """Those of `rows` that are not found with the score that their words give, unless ten others have more.

    Every row that comes is compared with the columns, too; one with a score of its own counts as the row asked for.
    """
    wrong = []
    for row in rows:
        query = _rarest(words, row)
        if not len(query):
            continue
        found = await store.matching(collection, query, using=BM25, where=None, limit=_LIMIT)
        expected = words.rows.take(np.array([row, *found.rows], np.int64)).scores(query)
        agree = np.allclose(expected[1:], found.scores, rtol=1e-4)
        there = row in found.rows or (len(found.rows) == _LIMIT and found.scores[-1] >= expected[0] * (1 - 1e-4))
        if not (agree and there):
            wrong.append(row)
    return wrong


def _rarest(words: Words, row: int) -> Sparse:
    own = words.rows.row(row)
    weights = words.weights(own.indices)
    kept = np.sort(np.argsort(-weights, kind="stable")[:_NUM_WORDS])
    return Sparse(own.indices[kept], weights[kept])
