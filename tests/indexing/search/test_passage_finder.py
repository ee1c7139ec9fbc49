"""Rows are found by the best of their passages: the exact ones, whatever the journal says, in both stores."""

import asyncio
from collections.abc import Iterator

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embedding.rows.schema import Item, Kind
from embedding.sample.sample import make_sample
from embedding.text.passages import passage_text, passages_of
from embedding.text.text_vectors import CachedText
from indexing.filters.algebra import NoneOf, OneOf, Range
from indexing.journal.current_rows import CurrentRows
from indexing.release.passages import PASSAGES
from indexing.releases.workspace import Workspace
from indexing.rules.compiled import CompiledContext, HardRules
from indexing.rules.context import RequestContext
from indexing.rules.declaration import RuleSet, rules_version
from indexing.rules.tables import UnknownSay
from indexing.search.finder import Finder
from indexing.state.records import Change, Frame, Lifted, Removed, TakenDown
from tests.indexing.kinds_of_store import KINDS, quick_folder, stores_of
from tests.indexing.passage_worlds import (
    NUM_ITEMS,
    WordsEncoder,
    build_passages,
    make_item,
    make_items,
    planted_word,
    words_texts,
    workspace_over,
    write_catalogue,
)
from tests.indexing.release_worlds import Source

AT_S = 1_750_000_000


def context(**changes: object) -> RequestContext:
    return msgspec.structs.replace(
        RequestContext(
            market="SE", at_s=AT_S, explicit=True, languages=None, age=None, kinds=None, blocked_creators=frozenset()
        ),
        **changes,
    )


CONTEXTS = (
    context(),
    context(market="GB"),
    context(explicit=False),
    context(kinds=frozenset({"track"})),
    context(market="GB", explicit=False, kinds=frozenset({"episode"}), blocked_creators=frozenset({"maker 1"})),
    context(filter=NoneOf((OneOf("creator_keys", frozenset({"maker 1"})), Range("duration_s", gt=0.0)))),
    context(filter=OneOf("creator_keys", frozenset({"maker 1", "maker 2"}))),
)


class World:
    """One release in one store, with a finder over it."""

    def __init__(self, workspace: Workspace, runner: asyncio.Runner, texts: CachedText, release_id: str) -> None:
        self.workspace, self.runner, self.texts = workspace, runner, texts
        self.release = workspace.releases.open(release_id)
        runner.run(self.release.check_collection(workspace.store))
        self.ruleset = RuleSet()
        self.rules = HardRules(
            self.ruleset,
            rules_version(self.ruleset),
            self.release.classes,
            workspace.store.prepare,
            self.release.share,
        )
        self.finder = Finder.of_release(workspace.store, self.release, self.rules.version)

    def nearest(self, rows: CurrentRows, text: str, asked: RequestContext, limit: int) -> list[tuple[str, float]]:
        """As a service finds them: the release's own that are still shown, and those of the journal, best first."""
        vector = WordsEncoder().encode([text])[0]
        compiled = self.rules.compile(asked)
        found = self.runner.run(
            self.finder.nearest(vector, using=PASSAGES, compiled=compiled, limit=rows.num_own, exact=True)
        )
        assert found.exact
        assert len(set(found.rows)) == len(found.rows)
        scored = [(row, score) for row, score in zip(found.rows, found.scores, strict=True) if not rows.dropped[row]]
        for slot, score in enumerate(rows.new.scores(PASSAGES, vector).tolist()):
            row = rows.num_own + slot
            if np.isfinite(score) and not rows.dropped[row] and compiled.accepts(rows.payload(row)):
                scored.append((row, score))
        scored.sort(key=lambda pair: -pair[1])
        return [(rows.id_of(row), score) for row, score in scored[:limit]]


@pytest.fixture(scope="module", params=KINDS)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("passages")
    with quick_folder(folder) as quick, stores_of(request.param, quick / "data") as stores, asyncio.Runner() as runner:
        workspace = workspace_over(stores.open(), stores.data_dir)
        texts = words_texts(folder / "vectors")
        manifest = runner.run(build_passages(workspace, write_catalogue(folder, make_items()), texts))
        yield World(workspace, runner, texts, manifest.id)
        runner.run(workspace.store.close())


def oracle(
    items: dict[str, Item], rows: CurrentRows, compiled: CompiledContext, text: str
) -> dict[str, tuple[float, tuple[int, int]]]:
    """Each row that may be shown and has passages, with the score of its best and where that lies."""
    vector = WordsEncoder().encode([text])[0]
    best: dict[str, tuple[float, tuple[int, int]]] = {}
    for item in items.values():
        cut = passages_of(item)
        if cut and compiled.accepts(rows.payload(rows.row_of(item.id))):
            scores = WordsEncoder().encode([passage_text(item, passage) for passage in cut]) @ vector
            best[item.id] = float(scores.max()), cut[int(scores.argmax())]
    return best


@pytest.mark.parametrize("asked", CONTEXTS)
@pytest.mark.parametrize("limit", [1, 5, NUM_ITEMS])
def test_rows_come_by_their_best_passage_under_each_kind_of_rule(
    world: World, asked: RequestContext, limit: int
) -> None:
    rows = CurrentRows(world.release)
    compiled = world.rules.compile(asked)
    text = f"{planted_word('item-7', 9)} {planted_word('item-20', 14)}"
    best = oracle({item.id: item for item in make_items()}, rows, compiled, text)
    vector = WordsEncoder().encode([text])[0]
    for exact in (True, False):
        found = world.runner.run(
            world.finder.nearest(vector, using=PASSAGES, compiled=compiled, limit=limit, exact=exact)
        )
        expected = sorted((score for score, _ in best.values()), reverse=True)[:limit]
        np.testing.assert_allclose(found.scores, expected, atol=1e-5)
        assert [best[rows.id_of(row)][0] for row in found.rows] == pytest.approx(found.scores, abs=1e-5)
    for row in found.rows:
        assert rows.best_passage(row, vector) == best[rows.id_of(row)][1]


def test_a_sentence_deep_inside_leads_to_its_place(world: World) -> None:
    rows = CurrentRows(world.release)
    for number, sentence in ((16, 21), (7, 12), (32, 0)):
        item, word = make_item(number), planted_word(f"item-{number}", sentence)
        assert world.nearest(rows, word, context(), 1)[0][0] == item.id
        place = rows.best_passage(rows.row_of(item.id), WordsEncoder().encode([word])[0])
        assert place is not None
        assert item.text is not None
        assert word in item.text[slice(*place)]
        assert len(item.text[slice(*place)]) <= 600


def test_where_no_passage_passes_the_engine_is_not_asked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object, **__: object) -> None:
        raise AssertionError("asked")

    monkeypatch.setattr(type(world.workspace.store), "nearest", never)
    strict = HardRules(
        RuleSet(languages=UnknownSay("deny")),
        "strict",
        world.release.classes,
        world.workspace.store.prepare,
        world.release.share,
    ).compile(context(languages=frozenset({"sv"})))
    assert world.release.passages is not None
    vector = world.release.passages.vectors(PASSAGES)[0]
    answer = world.runner.run(world.finder.nearest(vector, using=PASSAGES, compiled=strict, limit=5))
    assert (answer.rows, answer.exact) == ([], True)


drawn_changes = st.lists(
    st.tuples(
        st.sampled_from(("put", "put", "payload", "remove", "takedown", "lift")),
        st.integers(0, NUM_ITEMS + 3),
        st.sampled_from((None, 2, 9, 20)),
        st.sampled_from(("track", "episode")),
        st.booleans(),
    ),
    max_size=12,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(
    drawn=drawn_changes,
    asked=st.sampled_from(CONTEXTS),
    limit=st.integers(1, NUM_ITEMS),
    word=st.tuples(st.integers(0, NUM_ITEMS + 3), st.integers(0, 20)),
)
def test_after_any_changes_rows_are_the_exact_ones(
    world: World,
    drawn: list[tuple[str, int, int | None, Kind, bool]],
    asked: RequestContext,
    limit: int,
    word: tuple[int, int],
) -> None:
    rows = CurrentRows(world.release)
    items = {item.id: item for item in make_items()}
    hidden: set[str] = set()
    for seq, (action, number, num_sentences, kind, explicit) in enumerate(drawn, start=1):
        item_id = f"item-{number}"
        changes: list[Change]
        if action in ("put", "payload"):
            item = items.get(item_id) if action == "payload" else None
            item = msgspec.structs.replace(item or make_item(number, num_sentences), kind=kind, explicit=explicit)
            items[item_id] = item
            changes = list(world.workspace.record_encoder.puts([item], rows, world.texts))
        elif action == "remove":
            items.pop(item_id, None)
            changes = [Removed(item_id)]
        elif action == "takedown":
            hidden.add(item_id)
            changes = [TakenDown(item_id)]
        else:
            hidden.discard(item_id)
            changes = [Lifted(item_id)]
        rows.apply(Frame(seq, "2026-01-01T00:00:00+00:00", tuple(changes)))
    text = f"{planted_word(f'item-{word[0]}', word[1])} talked"
    found = world.nearest(rows, text, asked, limit)
    best = oracle(items, rows, world.rules.compile(asked), text)
    shown = {item_id: one for item_id, one in best.items() if item_id not in hidden}
    assert len(found) == min(limit, len(shown))
    np.testing.assert_allclose(
        [score for _, score in found], sorted((score for score, _ in shown.values()), reverse=True)[:limit], atol=1e-5
    )
    vector = WordsEncoder().encode([text])[0]
    for item_id, score in found:
        assert shown[item_id][0] == pytest.approx(score, abs=1e-5)
        assert rows.best_passage(rows.row_of(item_id), vector) == shown[item_id][1]


def test_the_packaged_encoder_finds_what_was_said_deep_inside_a_transcript(
    source: Source, tmp_path_factory: pytest.TempPathFactory
) -> None:
    items = [item for item in make_sample().items if item.kind == "episode"]
    spoken = [item for item in items if passages_of(item)]
    assert len(spoken) == 10
    folder = tmp_path_factory.mktemp("spoken")
    said = (
        "The lighthouse keeper of Skagen had a parrot. He taught the parrot to recite the timetables of trains. "
        "Every morning the parrot called out the train to Copenhagen from the top of the lighthouse. "
        "Sailors set their watches by the keeper's parrot, and the railway sent it a cap of its own."
    )
    chosen = spoken[3]
    assert chosen.text is not None
    middle = chosen.text.index(". ", len(chosen.text) * 2 // 3) + 2
    chosen = msgspec.structs.replace(chosen, text=f"{chosen.text[:middle]}{said} {chosen.text[middle:]}")
    few = [chosen, spoken[0], *[item for item in items if item not in spoken][:10]]
    with quick_folder(folder) as quick, stores_of("embedded", quick / "data") as stores, asyncio.Runner() as runner:
        workspace = workspace_over(stores.open(), stores.data_dir)
        manifest = runner.run(build_passages(workspace, write_catalogue(folder, few), source.texts))
        world = World(workspace, runner, source.texts, manifest.id)
        vector = source.texts.of_texts(["a lighthouse keeper whose parrot knows train timetables"])[0]
        compiled = world.rules.compile(context(market="SE"))
        found = runner.run(world.finder.nearest(vector, using=PASSAGES, compiled=compiled, limit=2))
        rows = CurrentRows(world.release)
        assert rows.id_of(found.rows[0]) == chosen.id
        place_in_text = rows.best_passage(found.rows[0], vector)
        assert place_in_text is not None
        assert chosen.text is not None
        start, end = place_in_text
        # Most of what was said of the parrot lies in that passage.
        assert min(end, middle + len(said)) - max(start, middle) > len(said) // 2
        # As a whole its text says nothing of a parrot: the encoder stops reading long before.
        whole = world.release.columns.vectors("text") @ vector
        assert whole[found.rows[0]] < found.scores[0] - 0.2
        runner.run(workspace.store.close())
