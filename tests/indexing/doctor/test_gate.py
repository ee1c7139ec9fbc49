"""The doctor's part of a build: plans lie beside the release, and an engine that holds other things fails the gate."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from indexing.building.build import build_release
from indexing.building.run import build_from_settings
from indexing.commands.doctor import doctor
from indexing.errors import GateError
from indexing.release.manifest import Manifest
from indexing.releases.releases import Releases
from indexing.search.measured import BANDS, MIN_RECALL
from indexing.search.plans_file import read_plans
from indexing.settings import IndexingSettings
from indexing.state.file_rules import AcceptedRules
from indexing.state.files import FilesState
from indexing.stores.contract import PointBatch, VectorStore
from tests.indexing.kinds_of_store import Stores
from tests.indexing.release_worlds import QUIET, Source

Change = Callable[[PointBatch], PointBatch]


def build(stores: Stores, source: Source, change: Change = lambda points: points) -> Manifest:
    """A build whose points are changed on their way to the engine."""

    async def run() -> Manifest:
        store = stores.open()
        upsert = store.upsert

        async def changed(collection: str, points: PointBatch) -> None:
            await upsert(collection, change(points))

        store.upsert = changed  # type: ignore[method-assign]
        try:
            return await build_release(source.inputs(with_model=False), source.dependencies(stores.data_dir, store))
        finally:
            await store.close()

    return asyncio.run(run())


def test_a_build_leaves_measured_plans_beside_the_release(stores: Stores, source: Source) -> None:
    manifest = build(stores, source)
    version, _ = AcceptedRules(stores.data_dir / "rules").current()
    plans = read_plans(stores.data_dir, manifest.id, version)
    assert plans is not None
    assert plans.shapes
    assert all(report.chosen.recall >= MIN_RECALL for report in plans.shapes)
    assert (plans.unmeasured, plans.leaks) == (0, 0)
    assert manifest.gate.canary_recall == min(report.chosen.recall for report in plans.shapes)
    assert not list((stores.data_dir / "releases" / manifest.id).rglob(f"{version}.json"))


def open_to_all(points: PointBatch) -> PointBatch:
    """The engine is told that every item is open where the first one is."""
    classes = [payload.availability_class for payload in points.payloads]
    widest = max(set(classes), key=classes.count)
    payloads = [replace(payload, availability_class=widest) for payload in points.payloads]
    return replace(points, payloads=payloads)


def others_vectors(points: PointBatch) -> PointBatch:
    """Each point gets the vector of the next."""
    return replace(points, vectors={name: np.roll(v, 1, axis=0) for name, v in points.vectors.items()})


@pytest.mark.parametrize("change", [open_to_all, others_vectors])
def test_an_engine_that_holds_other_things_fails_the_gate(
    stores: Stores, source: Source, change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unseen(*_: object) -> None:
        """As where the sample that is compared meets none of them."""

    monkeypatch.setattr("indexing.building.finishing.verify_points", unseen)
    with pytest.raises(GateError, match=r"exact search by text is 0\.\d+, at least 0\.99 is needed, 0\.\d+ more"):
        build(stores, source, change)

    async def nothing_is_left_of_it(store: VectorStore) -> None:
        assert Releases(stores.data_dir, store, FilesState(stores.data_dir)).manifests() == []
        await store.close()

    asyncio.run(nothing_is_left_of_it(stores.open()))
    assert not (stores.data_dir / "plans").exists()


@pytest.fixture
def settings(data_dir: Path, source: Source) -> IndexingSettings:
    """Of a folder with a release that is live, built with a model."""
    settings = IndexingSettings(data_dir=data_dir, cache_dir=source.cache_dir)
    asyncio.run(build_from_settings(source.inputs(), settings, QUIET, activate=True))
    return settings


def test_the_command_measures_the_live_release(settings: IndexingSettings, tmp_path: Path) -> None:
    (path,) = (settings.data_dir / "plans").glob("*/*.json")
    # As after a power cut on a file system that lost it: measured anew, whatever it holds.
    path.write_bytes(path.read_bytes()[:100])
    plot = tmp_path / "plots" / "plans.png"
    arguments = ["--json", "--plot", str(plot), "--progress", "none"]
    result = CliRunner().invoke(doctor, arguments, obj=settings, catch_exceptions=False)
    assert result.exit_code == 0
    said = msgspec.json.decode(result.stdout)
    assert said["release"] == path.parent.name
    assert said["leaks"] == 0
    shapes = said["shapes"]
    assert {shape["using"] for shape in shapes} == {"tower", "text"}
    for shape in shapes:
        assert {"fields", "band", "share", "plan", "recall@10", "p50_ms", "p99_ms", "short_pages"} <= shape.keys()
        assert shape["band"] in BANDS
        assert 0 <= shape["share"] <= 1
        assert shape["recall@10"] >= MIN_RECALL
        assert 0 < shape["p50_ms"] <= shape["p99_ms"]
    assert plot.read_bytes().startswith(b"\x89PNG")
    plans = read_plans(settings.data_dir, path.parent.name, path.stem)
    assert plans is not None
    assert len(plans.shapes) == len(shapes)


def test_the_command_shows_a_table(settings: IndexingSettings) -> None:
    (path,) = (settings.data_dir / "plans").glob("*/*.json")
    result = CliRunner().invoke(doctor, [path.parent.name, "--progress", "none"], obj=settings, catch_exceptions=False)
    assert result.exit_code == 0
    assert f"{path.parent.name} under rules {path.stem}" in result.stdout
    assert "conditions on availability_class, min_age" in result.stdout
    lines = [line for line in result.stdout.splitlines() if "columns" in line]
    assert len(lines) >= 4
    assert all("%" in line and "1.0000" in line for line in lines)


def test_a_leaking_index_is_told_and_changes_no_plan(
    settings: IndexingSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path,) = (settings.data_dir / "plans").glob("*/*.json")
    before = path.read_bytes()
    # Small as it is, the engine is asked; and takes no notice of what it is asked for.
    monkeypatch.setattr("indexing.search.plans.engine._SMALL_BYTES", 0)
    monkeypatch.setattr("indexing.stores.edge.EdgeStore.prepare", lambda *_: None)
    result = CliRunner().invoke(doctor, ["--progress", "none"], obj=settings)
    assert isinstance(result.exception, GateError)
    assert "hits of release" in str(result.exception)
    assert path.read_bytes() == before


def test_an_unknown_release_is_refused(settings: IndexingSettings) -> None:
    result = CliRunner().invoke(doctor, ["r1"], obj=settings)
    assert "There is no finished release 'r1'" in str(result.exception)
