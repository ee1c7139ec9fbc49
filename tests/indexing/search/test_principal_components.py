"""A scan by principal components finds what a full one does where few of them tell nearly all; the doctor sees where
they do not."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from embedding.protocols import Vectors
from embedding.rows.schema import EVERYWHERE, Item
from indexing.columns.principal_components import PrincipalComponents, write_principal_components
from indexing.doctor.doctor import Doctor
from indexing.doctor.examined import ExaminedCollection
from indexing.doctor.measuring import measure
from indexing.rules.compiled import HardRules
from indexing.rules.context import RequestContext
from indexing.rules.declaration import RuleSet
from indexing.search.column_scan import NearestQuery
from indexing.search.finder import Finder
from indexing.search.measured import Measured, Shape, ShapeReport, band_of
from indexing.search.plan_table import PlanTable
from indexing.search.plans.principal_components import PRINCIPAL_COMPONENTS
from indexing.stores.contract import Ranked
from indexing.stores.edge import EdgeStore
from tests.indexing.scanned import ANYBODY, Catalogue

NUM_ROWS, DIMS = 6_000, 192
BLOCKING = replace(ANYBODY, blocked_creators=frozenset({"c1", "c2", "c40"}))
SWEDES = replace(ANYBODY, languages=frozenset({"sv"}))


def vectors_along(num_directions: int) -> Vectors:
    """Unit vectors (NUM_ROWS, DIMS) nearly all of which lies in so many directions, drawn."""
    dice = np.random.default_rng(3)
    directions, _ = np.linalg.qr(dice.normal(size=(DIMS, num_directions)))
    drawn = dice.normal(size=(NUM_ROWS, num_directions)) @ directions.T + 0.02 * dice.normal(size=(NUM_ROWS, DIMS))
    unit: Vectors = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
    return unit


def catalogue_of(vectors: Vectors, folder: Path) -> Catalogue:
    rows = [
        Item(
            id=f"i{row}",
            kind="track",
            title="t",
            creator=f"c{row % 50}",
            language="en" if row % 5 == 0 else "sv",
            availability=EVERYWHERE,
        )
        for row in range(len(vectors))
    ]
    return Catalogue(rows, folder / "columns", {"text": vectors})


@pytest.fixture(scope="module")
def low(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    """Of which 40 directions tell nearly all: a third of 192 has them."""
    return catalogue_of(vectors_along(40), tmp_path_factory.mktemp("low"))


@pytest.fixture(scope="module")
def round_(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    """Of which no direction tells more than another."""
    return catalogue_of(vectors_along(DIMS), tmp_path_factory.mktemp("round"))


def queries_of(catalogue: Catalogue) -> Vectors:
    vectors = catalogue.vectors["text"]
    between = vectors[:20] + 0.8 * vectors[20:40]
    return np.concatenate([vectors[:20], between / np.linalg.norm(between, axis=1, keepdims=True)])


def assert_nearest(catalogue: Catalogue, query: Vectors, answer: Ranked, expected: list[int]) -> None:
    """As good, place by place, as what brute force has, and scored in full, not by what was looked at first."""
    scores = catalogue.vectors["text"] @ query
    assert len(set(answer.rows)) == len(expected)
    np.testing.assert_allclose(answer.scores, scores[expected], atol=1e-5)
    np.testing.assert_allclose(answer.scores, scores[answer.rows], atol=1e-6)


@pytest.mark.parametrize("limit", [1, 10, 60])
@pytest.mark.parametrize("context", [ANYBODY, BLOCKING, SWEDES], ids=["anybody", "blocking", "swedes"])
@pytest.mark.parametrize("heard", [0, 5, 3_000])
def test_it_finds_what_brute_force_finds(low: Catalogue, limit: int, context: RequestContext, heard: int) -> None:
    compiled = low.compiled(context)
    for query in queries_of(low):
        everything = low.brute_force(query, "text", compiled, NUM_ROWS)
        # The nearest ones, so that the first look finds hardly anything else.
        without = np.sort(np.array(everything[:heard])) if heard else None
        answer = low.scan.nearest(NearestQuery(query, "text", compiled, limit, without, by_components=True))
        assert_nearest(low, query, answer, everything[heard : heard + limit])
        assert without is None or not np.isin(answer.rows, without).any()


@pytest.mark.parametrize("heard", [0, 860, 870, 1_000, 3_000])
def test_what_was_heard_takes_no_place_of_what_is_looked_at_in_full(tmp_path: Path, heard: int) -> None:
    # Each direction tells a little less than the one before; of the nearest 880 many or all are heard.
    dice = np.random.default_rng(4)
    drawn = dice.normal(size=(NUM_ROWS, DIMS)) * np.exp(-np.arange(DIMS) / 55)
    vectors = (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)
    falling = catalogue_of(vectors, tmp_path)
    compiled, found = falling.compiled(ANYBODY), 0
    for query in queries_of(falling):
        everything = np.argsort(-(vectors @ query), kind="stable")
        without = np.sort(everything[:heard]) if heard else None
        answer = falling.scan.nearest(NearestQuery(query, "text", compiled, 10, without, by_components=True))
        found += len(set(answer.rows) & set(everything[heard : heard + 10].tolist()))
    assert found / (10 * len(queries_of(falling))) >= 0.99


def test_who_else_is_asked_for_and_how_changes_no_bit(low: Catalogue) -> None:
    compiled = [low.compiled(ANYBODY), low.compiled(SWEDES)]
    wanted = [
        NearestQuery(query, "text", compiled[number % 2], 10, None, by_components=number % 3 > 0)
        for number, query in enumerate(queries_of(low))
    ]
    assert low.scan.nearest_of(wanted) == [low.scan.nearest_of([one])[0] for one in wanted]


def test_a_page_as_long_as_the_catalogue_misses_nothing(round_: Catalogue) -> None:
    compiled = round_.compiled(ANYBODY)
    query = queries_of(round_)[25]
    for limit in (400, NUM_ROWS):
        answer = round_.scan.nearest(NearestQuery(query, "text", compiled, limit, by_components=True))
        assert_nearest(round_, query, answer, round_.brute_force(query, "text", compiled, limit))


def test_the_same_vectors_give_the_same_bytes_and_few_or_short_ones_none(tmp_path: Path) -> None:
    written = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "text.npy", vectors_along(40))
        write_principal_components(tmp_path / name, "text")
        written.append([(tmp_path / name / f"text.{part}.npy").read_bytes() for part in ("axes", "narrow")])
    assert written[0] == written[1]
    components = PrincipalComponents.of(tmp_path / "one", "text")
    assert components is not None
    assert components.axes.shape == (DIMS, 64)
    assert components.vectors.shape == (NUM_ROWS, 64)
    np.testing.assert_allclose(components.axes.T @ components.axes, np.eye(64), atol=1e-5)
    for name, vectors in (("few", vectors_along(40)[:500]), ("short", vectors_along(40)[:, :64])):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "text.npy", vectors)
        write_principal_components(tmp_path / name, "text")
        assert PrincipalComponents.of(tmp_path / name, "text") is None


async def tried_by_the_doctor(catalogue: Catalogue, folder: Path) -> Measured:
    """What a doctor says of it, for requests of anybody."""
    store = EdgeStore(folder / "releases")
    examined = ExaminedCollection(
        id="r1",
        columns=catalogue.columns,
        fields=catalogue.fields,
        classes=catalogue.classes,
        dims={"text": DIMS},
    )
    rules = HardRules(RuleSet(), "v1", catalogue.classes, store.prepare, catalogue.fields.share)
    doctor = Doctor(examined, rules, store, {"text": catalogue.vectors["text"][:80]})
    sample = doctor.sampler.answered([ANYBODY] * 40, queries_of(catalogue), "text")
    trial = await measure(PRINCIPAL_COMPONENTS, [sample], "text", doctor.collection, runs=1)
    assert trial.leaks == 0
    return trial.measured()


def test_the_doctor_measures_what_it_misses(low: Catalogue, round_: Catalogue, tmp_path: Path) -> None:
    found = asyncio.run(tried_by_the_doctor(low, tmp_path))
    assert (found.plan, found.recall, found.enough) == ("narrow", 1.0, True)
    missed = asyncio.run(tried_by_the_doctor(round_, tmp_path))
    assert not missed.enough
    compiled = round_.compiled(ANYBODY)
    asked = queries_of(round_)[: missed.queries]
    hits = 0
    for query in asked:
        answer = round_.scan.nearest(NearestQuery(query, "text", compiled, 10, by_components=True))
        hits += len(set(answer.rows) & set(round_.brute_force(query, "text", compiled, 10)))
    assert missed.recall == pytest.approx(hits / (10 * len(asked)), abs=1e-4)


def test_the_finder_goes_by_the_plan_and_can_always_be_exact(round_: Catalogue, tmp_path: Path) -> None:
    compiled = round_.compiled(ANYBODY)
    measured = Measured(plan="narrow", recall=1.0, p50_ms=1.0, p99_ms=1.0, short_pages=0, queries=1)
    shape = Shape(using="text", fields=tuple(sorted(compiled.fields)), band=band_of(compiled.share))
    plans = PlanTable([ShapeReport(shape=shape, share=1.0, chosen=measured, tried=(measured,))])
    finder = Finder(EdgeStore(tmp_path / "releases"), "r1", round_.scan, plans)
    query = queries_of(round_)[30]

    async def ask(*, exact: bool) -> tuple[Ranked, bool]:
        found = await finder.nearest(query, using="text", compiled=compiled, limit=10, exact=exact)
        return Ranked(found.rows, found.scores), found.exact

    by_components = round_.scan.nearest(NearestQuery(query, "text", compiled, 10, by_components=True))
    assert asyncio.run(ask(exact=False)) == (by_components, False)
    full, is_exact = asyncio.run(ask(exact=True))
    assert is_exact
    assert full.rows == round_.brute_force(query, "text", compiled, 10)
    assert finder.plan_name(compiled, "text") == "narrow"
