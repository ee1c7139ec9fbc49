"""Whatever was journalled, in whatever order: an answer is the exact one over the rows as they are then."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from embedding.rows.schema import Item, Window
from indexing.journal.current_rows import CurrentRows
from indexing.rules.arrangement import Arrangement
from indexing.rules.context import RequestContext
from indexing.state.records import Change, Frame, Lifted, Put, Removed, TakenDown
from service.arranging.page import Pages
from service.dependencies import Dependencies
from service.loaded.exclusions import Exclusions
from service.loaded.loaded_release import LoadedRelease
from service.main import open_dependencies
from service.ranking.rankings import Rankings
from service.schemas.settings import Settings
from tests.copied_folders import copied

OWN = [f"{taste}-{number}" for taste in ("jazz", "metal") for number in range(1, 6)]
NEW = [f"new-{number}" for number in range(6)]
AT_S = 1_750_000_000
CONTEXT = RequestContext(
    market="SE", at_s=AT_S, explicit=True, languages=None, age=None, kinds=None, blocked_creators=frozenset()
)
WINDOWS = (
    (Window("*"),),
    (Window("US"),),
    (Window("SE", until_s=AT_S), Window("GB")),
    (Window("SE", from_s=AT_S - 5, until_s=AT_S + 5),),
)


class Shown(Struct):
    """A row as the oracle knows it."""

    vector: np.ndarray
    open: bool


@pytest.fixture(scope="module")
def parts(text_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Dependencies:
    folder = tmp_path_factory.mktemp("journalled") / "world"
    copied(text_world, folder)
    opened = open_dependencies(Settings(data_dir=folder))
    asyncio.run(opened.store.open(opened.live.release.id))
    return opened


def unit(rng: np.random.Generator, near: np.ndarray | None) -> np.ndarray:
    vector = rng.normal(size=384).astype(np.float32)
    if near is not None:
        # So near that it comes among the first.
        vector = near + 0.01 * vector / np.linalg.norm(vector)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


changes = st.lists(
    st.tuples(
        st.sampled_from(("put", "put", "remove", "takedown", "lift")),
        st.sampled_from(OWN + NEW),
        st.integers(0, len(WINDOWS) - 1),
        st.booleans(),
    ),
    max_size=25,
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(drawn=changes, frame_size=st.integers(1, 6), limit=st.integers(1, 30), seed=st.integers(0, 2**32 - 1))
def test_an_answer_after_any_changes_is_the_exact_one(
    parts: Dependencies, drawn: list[tuple[str, str, int, bool]], frame_size: int, limit: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    release = parts.live.release
    own = release.columns.vectors("text")
    query = np.asarray(own[release.columns.ids.find("jazz-3")])
    accepts = parts.live.rules.compile(CONTEXT).accepts
    oracle = {
        release.columns.ids.id_at(row): Shown(own[row], accepts(release.columns.payload(row)))
        for row in range(len(release.columns))
    }
    hidden: set[str] = set()
    records: list[Change] = []
    for action, item_id, windows, near in drawn:
        if action == "put":
            vector = unit(rng, query if near else None)
            item = Item(id=item_id, kind="track", title="t", creator="c", availability=WINDOWS[windows])
            records.append(Put(item, {release.manifest.encoder_hash or "": vector.tobytes()}, {}))
            oracle[item_id] = Shown(vector, windows in {0, 3})
        elif action == "remove":
            records.append(Removed(item_id))
            oracle.pop(item_id, None)
        elif action == "takedown":
            records.append(TakenDown(item_id))
            hidden.add(item_id)
        else:
            records.append(Lifted(item_id))
            hidden.discard(item_id)
    rows = CurrentRows(release)
    served = LoadedRelease(release=release, rows=rows, rules=parts.live.rules, tower=parts.live.tower)
    rankings, pages = Rankings(parts.store, served), Pages(served)

    def ask() -> tuple[list[str], list[float]]:
        ranking = rankings.nearest(query, using="text", context=CONTEXT, excluded=Exclusions(frozenset()))
        page = asyncio.run(
            pages.cut(ranking, CONTEXT, limit, using="text", arrangement=Arrangement(same_recording=True))
        )
        assert served.leaks.num == 0
        return [rows.payload(row).id for row in page.rows], page.scores

    ask()
    for seq, start in enumerate(range(0, len(records), frame_size), start=1):
        rows.apply(Frame(seq, "2026-01-01T00:00:00+00:00", tuple(records[start : start + frame_size])))
    ids, scores = ask()
    allowed = {item_id: shown for item_id, shown in oracle.items() if shown.open and item_id not in hidden}
    assert len(set(ids)) == len(ids) == min(limit, len(allowed))
    assert set(ids) <= set(allowed)
    exact = sorted((float(shown.vector @ query) for shown in allowed.values()), reverse=True)
    np.testing.assert_allclose(scores, exact[: len(scores)], atol=1e-5)
    np.testing.assert_allclose(scores, [float(allowed[item_id].vector @ query) for item_id in ids], atol=1e-5)
    for item_id in OWN + NEW:
        assert (rows.find(item_id) >= 0) == (item_id in oracle and item_id not in hidden)
