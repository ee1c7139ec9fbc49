"""Words are found in the columns as the engine finds them, under the same rules."""

from typing import Any

import numpy as np
import pytest

from indexing.errors import EngineAwayError
from indexing.releases.workspace import Workspace
from indexing.rules.compiled import HardRules
from indexing.rules.context import RequestContext
from indexing.rules.declaration import RuleSet, rules_version
from indexing.search.finder import Finder
from indexing.stores.answer_budget import AnswerBudget
from tests.indexing.at_work import build, within
from tests.indexing.kinds_of_store import Stores
from tests.indexing.release_worlds import Source, make_items


def test_the_columns_find_what_the_engine_finds(
    stores: Stores, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(workspace: Workspace) -> None:
        release = workspace.releases.open(await build(workspace, source))
        await release.check_collection(workspace.store)
        rules = HardRules(RuleSet(), rules_version(RuleSet()), release.classes, workspace.store.prepare, release.share)
        creator = release.columns.payload(0).creator_keys[0]
        contexts = [
            RequestContext(market="SE", at_s=1_750_000_000),
            RequestContext(market="NO", at_s=1_750_000_000, kinds=frozenset({"track"})),
            RequestContext(market="SE", at_s=1_750_000_000, blocked_creators=frozenset({creator})),
        ]
        texts = ["jazz trials", "crime", make_items()[0].title, "xylophone"]
        queries = [release.asked(text) for text in texts]
        asked = [
            (words, rules.compile(context), limit) for words in queries for context in contexts for limit in (3, 90)
        ]
        there = Finder.of_release(workspace.store, release, rules.version)
        expected = [await there.matching(words, compiled=compiled, limit=limit) for words, compiled, limit in asked]
        assert any(found.rows for found in expected)

        async def away(*_: Any, **__: Any) -> Any:
            raise EngineAwayError("could not search words: UNAVAILABLE")

        monkeypatch.setattr(workspace.store, "matching", away)
        without = Finder.of_release(workspace.store, release, rules.version)
        for (words, compiled, limit), found in zip(asked, expected, strict=True):
            with AnswerBudget(2.0) as budget:
                answer = await without.matching(words, compiled=compiled, limit=limit)
            assert budget.lacking == (("engine",) if len(words) else ())
            np.testing.assert_allclose(answer.scores, found.scores, rtol=1e-5)
            # Of equals at the very end either may have come.
            sure = {
                row for row, score in zip(found.rows, found.scores, strict=True) if score > found.scores[-1] * 1.001
            }
            assert sure <= set(answer.rows)
            assert all(compiled.accepts(release.columns.payload(row)) for row in answer.rows)
        with pytest.raises(EngineAwayError, match="UNAVAILABLE"):
            await Finder.of_release(workspace.store, release, rules.version).matching(
                queries[0], compiled=asked[0][1], limit=3
            )
        # A scan that would be late is none.
        monkeypatch.setattr("indexing.search.word_scan._ENTRY_S", 1.0)
        with AnswerBudget(2.0), pytest.raises(EngineAwayError, match="the answer is due in"):
            await Finder.of_release(workspace.store, release, rules.version).matching(
                queries[0], compiled=asked[0][1], limit=3
            )

    within(stores, source, work)
