"""What is popular and what is fresh, after any changes and under any rules: the exact order of the rows as they are."""

import asyncio
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from embedding.rows.schema import Item, Kind, Window
from indexing.filters.algebra import NoneOf, Range
from indexing.filters.predicate import predicate
from indexing.journal.current_rows import CurrentRows
from indexing.payload.payload import Payload
from indexing.rules.context import RequestContext
from indexing.state.records import Change, Frame, Lifted, Put, Removed, TakenDown
from service.dependencies import Dependencies
from service.loaded.exclusions import Exclusions
from service.loaded.kind_quotas import KindQuotas
from service.loaded.loaded_release import LoadedRelease
from service.main import open_dependencies
from service.queries.history import Listening
from service.queries.query_vector import QueryVectors
from service.ranking.rankings import Rankings
from service.schemas.settings import Settings
from tests.copied_folders import copied
from tests.service.world import OPENS_S

# Dates of the world's items lie between 1,600,000,000 and …,019: some are after this time.
AT_S = 1_600_000_010
WINDOWS = ((Window("*"),), (Window("US"),), (Window("SE", until_s=AT_S),), (Window("SE", from_s=AT_S),))
IDS = [f"{taste}-{number}" for taste in ("jazz", "crime") for number in range(1, 8)] + [f"new-{n}" for n in range(6)]
contexts = st.builds(
    RequestContext,
    market=st.sampled_from(("SE", "US")),
    at_s=st.sampled_from((AT_S, AT_S - 100, 1_750_000_000, OPENS_S)),
    explicit=st.booleans(),
    languages=st.none() | st.just(frozenset({"en"})) | st.just(frozenset({"it"})),
    age=st.none() | st.just(18),
    kinds=st.none() | st.sampled_from((frozenset({"track"}), frozenset({"episode"}))),
    blocked_creators=st.just(frozenset()) | st.just(frozenset({"jazz makers 2", "c"})),
    filter=st.none() | st.sampled_from((Range("duration_s", lt=190.0), NoneOf((Range("published_at", gte=AT_S),)))),
)
changes = st.lists(
    st.tuples(
        st.sampled_from(("put", "put", "put", "remove", "takedown", "lift")),
        st.sampled_from(IDS),
        st.sampled_from(WINDOWS),
        st.sampled_from(("track", "episode")),
        st.none() | st.sampled_from((0.0, 0.5, 0.99)),
        # Microseconds: between two of the world, of one second, in AT_S.
        st.none()
        | st.sampled_from(
            [s * 1_000_000 + us for s in (AT_S - 7, AT_S, AT_S + 5, 1_700_000_000) for us in (0, 1, 999_999)]
        ),
    ),
    max_size=15,
)
Drawn = tuple[str, str, tuple[Window, ...], Kind, float | None, int | None]


@pytest.fixture(scope="module")
def parts(text_world: Path, tmp_path_factory: pytest.TempPathFactory) -> Dependencies:
    folder = tmp_path_factory.mktemp("by-order") / "world"
    copied(text_world, folder)
    opened = open_dependencies(Settings(data_dir=folder))
    asyncio.run(opened.store.open(opened.live.release.id))
    return opened


def changed(served: LoadedRelease, drawn: list[Drawn]) -> None:
    """Journal the changes, each in a frame of its own."""
    vector = np.full(384, 384**-0.5, np.float32).tobytes()
    for seq, (action, item_id, windows, kind, popularity, published_us) in enumerate(drawn, start=1):
        change: Change
        match action:
            case "put":
                item = Item(
                    id=item_id,
                    kind=kind,
                    title="t",
                    creator="c",
                    availability=windows,
                    popularity=popularity,
                    published_at=None if published_us is None else published_us // 1_000_000,
                    published_fraction_us=None if published_us is None else published_us % 1_000_000 or None,
                )
                change = Put(item, {served.release.manifest.encoder_hash or "": vector}, {})
            case "remove":
                change = Removed(item_id)
            case "takedown":
                change = TakenDown(item_id)
            case _:
                change = Lifted(item_id)
        served.rows.apply(Frame(seq, "", (change,)))


def oracle(served: LoadedRelease, context: RequestContext, excluded: set[int]) -> list[tuple[str, float, str]]:
    """Id, score and source of every item that may be shown, each looked at by itself and sorted."""
    rows = served.rows
    passes = predicate(served.rules.compile(context).filter)
    shown = [
        (row, payload)
        for row in rows.rows()
        if rows.shows([row]) and row not in excluded and rows.origin(row) not in excluded
        if passes(row, payload := rows.payload(row))
    ]

    def freshness(one: tuple[int, Payload]) -> tuple[int, int]:
        published_us = one[1].published_us
        if published_us is None:
            return 1, 0
        return (0 if published_us < (context.at_s + 1) * 1_000_000 else 2), -published_us

    popular = sorted((one for one in shown if one[1].popularity), key=lambda one: -one[1].popularity)
    fresh = sorted((one for one in shown if not one[1].popularity), key=freshness)
    return [(payload.id, payload.popularity, "popular") for _, payload in popular] + [
        (
            one[1].id,
            0.5 ** (max(0, context.at_s - (one[1].published_us or 0) / 1_000_000) / 86_400 / 30)
            if freshness(one)[0] == 0
            else 0.0,
            "fresh",
        )
        for one in fresh
    ]


@settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(drawn=changes, context=contexts, more=contexts, depth=st.integers(1, 90), seed=st.integers(0, 2**32))
def test_the_fallback_is_the_exact_order_of_all_that_may_be_shown(
    parts: Dependencies, drawn: list[Drawn], context: RequestContext, more: RequestContext, depth: int, seed: int
) -> None:
    release = parts.live.release
    served = LoadedRelease(release=release, rows=CurrentRows(release), rules=parts.live.rules, tower=None)
    rankings = Rankings(parts.store, served)
    dice = random.Random(seed)
    excluded = set(dice.sample(range(len(release.columns)), dice.choice((0, 3, 40))))
    # Asked before and after the changes, in two contexts: what is kept of one must hold for no other.
    for asked, journalled in ((context, []), (more, drawn), (context, [])):
        changed(served, journalled)
        expected = oracle(served, asked, excluded)
        found = asyncio.run(rankings.fallback(asked, Exclusions(excluded)).first(depth))
        assert found.exhausted == (depth > len(expected))
        ids = [served.rows.id_of(row) for row in found.rows]
        assert ids == [one[0] for one in expected[:depth]]
        assert found.scores == pytest.approx([one[1] for one in expected[:depth]])
        assert [found.sources[row] for row in found.rows] == [one[2] for one in expected[:depth]]
        if found.exhausted:
            passing = oracle(served, asked, set())
            assert found.num_excluded == len(passing) - len(expected)
    assert served.leaks.num == 0


def test_a_walk_that_begins_late_goes_round(parts: Dependencies) -> None:
    """All dates lie after the time asked for: those without one come first."""
    release = parts.live.release
    served = LoadedRelease(release=release, rows=CurrentRows(release), rules=parts.live.rules, tower=None)
    context = replace(RequestContext("SE", 0), kinds=frozenset({"episode"}))
    fresh = asyncio.run(Rankings(parts.store, served).fallback(context, Exclusions(frozenset())).first(100))
    assert fresh.exhausted
    assert {served.rows.payload(row).kind for row in fresh.rows} == {"episode"}
    assert len(fresh.rows) == 40


def test_a_history_that_cancels_points_nowhere(parts: Dependencies) -> None:
    release = parts.live.release
    served = LoadedRelease(release=release, rows=CurrentRows(release), rules=parts.live.rules, tower=None)
    # Journalled with one and the same vector.
    changed(served, [("put", f"new-{number}", WINDOWS[0], "track", None, None) for number in range(2)])
    rows = np.array([served.rows.find("new-0"), served.rows.find("new-1")])
    weights, full = np.array([1, -1], np.float32), np.ones(2, np.float32)
    directions = QueryVectors(served, KindQuotas(served.rows))
    assert directions.of_listener(Listening(rows, weights, full), AT_S, None) is None
    # Where one has faded, the other is what is left.
    faded = directions.of_listener(Listening(rows, weights, np.array([1, 0.5], np.float32)), AT_S, None)
    assert faded is not None
    np.testing.assert_allclose(faded.vector, served.rows.vectors("text", rows)[0], atol=1e-6)
