"""What a process keeps of the engine's answers to words: those of the same words, context and limit, and unchanged."""

from typing import Any

import numpy as np
import pytest

from indexing.releases.workspace import Workspace
from indexing.rules.compiled import HardRules
from indexing.rules.context import RequestContext
from indexing.rules.declaration import RuleSet, rules_version
from indexing.search.finder import Finder
from indexing.stores.contract import Ranked
from indexing.words.bm25 import words_of
from indexing.words.sparse import SparseRows
from tests.indexing.at_work import build, within
from tests.indexing.kinds_of_store import Stores
from tests.indexing.release_worlds import Source, make_items


def test_the_same_words_are_searched_for_once_in_each_context_and_at_each_limit(
    stores: Stores, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(workspace: Workspace) -> None:
        release = workspace.releases.open(await build(workspace, source))
        await release.check_collection(workspace.store)
        ruleset = RuleSet()
        rules = HardRules(ruleset, rules_version(ruleset), release.classes, workspace.store.prepare, release.share)
        finder = Finder.of_release(workspace.store, release, rules.version)
        searched, matching = [], workspace.store.matching

        async def counted(*of: Any, limit: int, **more: Any) -> Ranked:
            searched.append(limit)
            return await matching(*of, limit=limit, **more)

        workspace.store.matching = counted  # type: ignore[method-assign]
        documents = SparseRows.of([words_of(item) for item in make_items()])
        contexts = [rules.compile(RequestContext(market=market, at_s=1_750_000_000)) for market in ("SE", "NO")]
        queries = [release.asked(text) for text in ("jazz trials", "crime", "xylophone")]
        assert len(queries[0]) == 2
        for _ in range(2):
            for words in queries:
                scores = documents.scores(words)
                for compiled in contexts:
                    passing = [row for row in range(len(scores)) if compiled.accepts(release.columns.payload(row))]
                    expected = sorted((scores[row] for row in passing if scores[row] > 0), reverse=True)
                    for limit in (5, 90):
                        found = await finder.matching(words, compiled=compiled, limit=limit)
                        np.testing.assert_allclose(found.scores, expected[:limit], rtol=1e-5)
                        np.testing.assert_allclose(found.scores, scores[found.rows], rtol=1e-5)
                        assert set(found.rows) <= set(passing)
        num_with_words = sum(len(words) > 0 for words in queries)
        assert len(searched) == num_with_words * len(contexts) * 2
        # A long answer is not kept: a release of a million rows may match in all of them.
        searched.clear()
        monkeypatch.setattr("indexing.search.finder._ROWS_MATCHED", 4)
        words = release.asked("jazz trials")
        for limit in (4, 4, 5, 5):
            assert len((await finder.matching(words, compiled=contexts[0], limit=limit)).rows) == limit
        assert searched == [4, 5, 5]

    within(stores, source, work)
