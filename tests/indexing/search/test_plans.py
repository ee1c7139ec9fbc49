"""Which plan answers which shape, how one that was never measured is answered, and what a broken file leads to."""

import json
import logging
import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from embedding.errors import DamagedError
from indexing.filters.algebra import EVERYTHING
from indexing.rules.compiled import CompiledContext
from indexing.search.measured import BANDS, Measured, MeasuredPlans, Shape, ShapeReport, band_of
from indexing.search.plan import Plan
from indexing.search.plan_table import PlanTable
from indexing.search.plans.columns import COLUMNS
from indexing.search.plans.engine import EXACT, engine_plan
from indexing.search.plans.principal_components import PRINCIPAL_COMPONENTS
from indexing.search.plans.registry import plan_name
from indexing.search.plans_file import plan_table, read_plans, write_plans
from indexing.stores.contract import SearchParams

GRAPH, WIDE_GRAPH = engine_plan(SearchParams(ef=64)), engine_plan(SearchParams(ef=512))


def report(plan: Plan, *fields: str, band: float = 50.0, using: str = "text") -> ShapeReport:
    measured = Measured(plan=plan.stored, recall=1.0, p50_ms=0.1, p99_ms=0.2, short_pages=0, queries=10)
    shape = Shape(using=using, fields=fields, band=band)
    return ShapeReport(shape=shape, share=band / 100, chosen=measured, tried=(measured,))


def compiled(*fields: str, share: float = 0.4) -> CompiledContext:
    return CompiledContext(
        filter=EVERYTHING, accepts=lambda _: True, prepared=None, share=share, fields=frozenset(fields)
    )


PLANS = MeasuredPlans(
    release="r1",
    rules_version="v1",
    measured_at="2026-11-24T00:00:00+00:00",
    shapes=(report(GRAPH, "a"), report(WIDE_GRAPH, "a", "b", "c"), report(EXACT, "a", "c", "d", "e")),
    unmeasured=0,
    leaks=0,
)


@pytest.mark.parametrize(
    ("share", "band"),
    [
        (0.0, 0.5),
        (0.005, 0.5),
        (0.0051, 2),
        (0.02, 2),
        (0.05, 5),
        (0.1, 10),
        (0.2, 20),
        (0.5, 50),
        (0.51, 100),
        (1, 100),
    ],
)
def test_bands(share: float, band: float) -> None:
    assert band_of(share) == band


def test_a_measured_shape_takes_its_plan_and_is_not_counted() -> None:
    table = PlanTable(PLANS.shapes)
    assert table.plan_for(compiled("a"), "text") == GRAPH
    assert table.plan_for(compiled("c", "a", "b"), "text") == WIDE_GRAPH
    assert not table.unmeasured


def test_an_unmeasured_shape_takes_the_nearest_with_more_conditions_and_is_counted() -> None:
    table = PlanTable(PLANS.shapes)
    for _ in range(3):
        assert table.plan_for(compiled("a", "c"), "text") == WIDE_GRAPH
    assert table.plan_for(compiled("a", "d"), "text") == EXACT
    assert table.unmeasured == {
        Shape(using="text", fields=("a", "c"), band=50.0): 3,
        Shape(using="text", fields=("a", "d"), band=50.0): 1,
    }


@pytest.mark.parametrize(
    ("asked", "using"),
    [
        (compiled("a", share=0.51), "text"),
        (compiled("a", share=0.2), "text"),
        (compiled("a"), "tower"),
        (compiled("b", "z"), "text"),
        # Fewer conditions are no safe neighbour.
        (compiled("a", "b", "c", "d", "e", "f"), "text"),
    ],
)
def test_without_such_a_neighbour_the_columns_answer(asked: CompiledContext, using: str) -> None:
    table = PlanTable(PLANS.shapes)
    assert table.plan_for(asked, using) == COLUMNS
    assert len(table.unmeasured) == 1


def test_plans_are_read_as_they_were_written(tmp_path: Path) -> None:
    assert read_plans(tmp_path, "r1", "v1") is None
    path = write_plans(tmp_path, PLANS)
    assert path == tmp_path / "plans" / "r1" / "v1.json"
    assert read_plans(tmp_path, "r1", "v1") == PLANS
    again = replace(PLANS, shapes=(report(COLUMNS, "a"),))
    write_plans(tmp_path, again)
    assert read_plans(tmp_path, "r1", "v1") == again
    assert [file.name for file in path.parent.iterdir()] == ["v1.json"]


def test_a_file_of_an_old_build_has_each_kind_of_plan_as_ever(tmp_path: Path) -> None:
    stored = {
        "columns": '"columns"',
        "narrow": '"narrow"',
        "graph ef 96": '{"exact": false, "ef": 96, "acorn": false}',
        "acorn ef 64": '{"exact": false, "ef": 64, "acorn": true}',
        "exact": '{"exact": true, "ef": null, "acorn": false}',
    }
    figures = '"recall@10": 1.0, "p50_ms": 0.1, "p99_ms": 0.2, "short_pages": 0, "queries": 9'
    shapes = [
        f'{{"shape": {{"using": "text", "fields": ["a"], "band": {band}}}, "share": 0.1,'
        f' "chosen": {{"plan": {plan}, {figures}}}, "tried": []}}'
        for band, plan in zip(BANDS, stored.values(), strict=False)
    ]
    path = tmp_path / "plans" / "r1" / "v1.json"
    path.parent.mkdir(parents=True)
    path.write_text(
        '{"release": "r1", "rules_version": "v1", "measured_at": "2026-11-24T00:00:00+00:00",'
        f' "shapes": [{", ".join(shapes)}], "unmeasured": 0, "leaks": 0}}'
    )
    table = plan_table(tmp_path, "r1", "v1")
    found = [table.plan_for(compiled("a", share=band / 100), "text").name for band in BANDS[: len(stored)]]
    assert found == list(stored)
    assert not table.unmeasured
    # As it is read, so it is written.
    plans = read_plans(tmp_path, "r1", "v1")
    assert plans is not None
    written = [
        json.loads(write_plans(tmp_path, plans).read_text())["shapes"][place]["chosen"]["plan"] for place in range(5)
    ]
    assert written == [json.loads(plan) for plan in stored.values()]


@pytest.mark.parametrize("damage", ["torn", "empty", "another release", "no plans", "another plan"])
def test_a_broken_file_is_named_with_what_to_do(tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    path = write_plans(tmp_path, PLANS)
    data = path.read_bytes()
    broken = {
        "torn": data[: len(data) // 2],
        "empty": b"",
        "another release": data.replace(b'"r1"', b'"r2"'),
        "no plans": b"[1, 2]",
        "another plan": data.replace(
            b'{\n     "exact": true,\n     "ef": null,\n     "acorn": false\n    }', b'"psychic"'
        ),
    }
    path.write_bytes(broken[damage])
    with pytest.raises(DamagedError, match=r"v1\.json should .* `nearfield index doctor r1`"):
        read_plans(tmp_path, "r1", "v1")
    # A service answers all the same: exactly, counted, and said once.
    with caplog.at_level(logging.ERROR):
        table = plan_table(tmp_path, "r1", "v1")
    assert "nearfield index doctor r1" in caplog.text
    assert table.plan_for(compiled("a"), "text") == COLUMNS
    assert len(table.unmeasured) == 1


def test_new_rules_go_by_the_newest_plans_there_are_and_are_counted(tmp_path: Path) -> None:
    assert plan_table(tmp_path, "r1", "v3").plan_for(compiled("a"), "text") == COLUMNS
    write_plans(tmp_path, PLANS)
    newest = write_plans(tmp_path, replace(PLANS, rules_version="v2", shapes=(report(EXACT, "a"),)))
    os.utime(newest, (2_000_000_000, 2_000_000_000))
    table = plan_table(tmp_path, "r1", "v3")
    assert table.plan_for(compiled("a"), "text") == EXACT
    assert len(table.unmeasured) == 1
    table = plan_table(tmp_path, "r1", "v1")
    assert table.plan_for(compiled("a"), "text") == GRAPH
    assert not table.unmeasured


@pytest.mark.parametrize(
    ("plan", "name"),
    [
        (COLUMNS, "columns"),
        (EXACT, "exact"),
        (GRAPH, "graph ef 64"),
        (PRINCIPAL_COMPONENTS, "narrow"),
        (engine_plan(SearchParams()), "graph"),
        (engine_plan(SearchParams(acorn=True, ef=64)), "acorn ef 64"),
    ],
)
def test_names(plan: Plan, name: str) -> None:
    assert plan.name == plan_name(plan.stored) == name
