"""The gate beside the live release: what a catalogue lost is told with its number, and stops it unless forced."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from indexing.building.build import BuildInputs, build_release
from indexing.errors import GateError
from indexing.release.manifest import Manifest
from indexing.releases.releases import Releases
from indexing.state.contract import Activation
from indexing.stores.contract import VectorStore
from tests.indexing.kinds_of_store import Stores
from tests.indexing.release_worlds import NUM_ITEMS, Source, edited
from tests.indexing.releases.test_releases import build, within


def build_edited(
    stores: Stores, source: Source, folder: Path, change: Callable[[dict[str, Any]], object], *, rows: int, force: bool
) -> Manifest:
    catalogue = edited(source.catalogue, folder / "edited.jsonl", change)
    catalogue.write_bytes(b"\n".join(catalogue.read_bytes().splitlines()[:rows]))

    async def work(store: VectorStore, releases: Releases) -> Manifest:
        deps = source.dependencies(stores.data_dir, store, state=releases.state)
        deps = msgspec.structs.replace(deps, force=force)
        return await build_release(BuildInputs(catalogue=catalogue), deps)

    return within(stores, work)


def as_it_was(_row: dict[str, Any]) -> None:
    """Change nothing."""


def only_norway(row: dict[str, Any]) -> None:
    """Close every other market."""
    row["availability"] = [{"market": "NO"}]


def other_subjects(row: dict[str, Any]) -> None:
    """Give the subjects to other items, so that neighbours part."""
    number = int(row["id"].removeprefix("item-"))
    row["title"], row["creator"] = f"Chapter {number * 7 % 13}", f"Voice {number * 11 % 17}"
    row["text"] = f"{'abcdefghijklm'[number % 13]} {number % 11} {'nopqrstuvwxyz'[number * 5 % 13]}" * 3


@pytest.mark.parametrize(
    ("change", "rows", "told"),
    [
        (as_it_was, 9, r"81 of the live release's 90 items \(90.0%\) are gone, at most 50.0% may be"),
        (only_norway, NUM_ITEMS, r"market SE would have 0 open items instead of 90, at least 50% of them are needed"),
        (other_subjects, NUM_ITEMS, r"sampled items keep \d+\.\d% of their nearest 10, at least 20.0% are needed"),
    ],
)
def test_what_a_release_does_not_keep_of_the_live_one_stops_it_unless_forced(
    stores: Stores,
    source: Source,
    tmp_path: Path,
    change: Callable[[dict[str, Any]], object],
    rows: int,
    told: str,
) -> None:
    live = build(stores, source, with_model=False, activate=True)
    with pytest.raises(GateError, match=told + r".*The live release stays as it is.*--force"):
        build_edited(stores, source, tmp_path, change, rows=rows, force=False)

    async def look(_store: VectorStore, releases: Releases) -> list[str]:
        assert await releases.state.live() == live.id
        return [manifest.id for manifest in releases.manifests()]

    assert within(stores, look) == [live.id]
    forced = build_edited(stores, source, tmp_path, change, rows=rows, force=True)
    assert any(re.search(told, found) for found in forced.gate.forced)
    within(stores, lambda _, releases: releases.activate(forced.id))
    assert within(stores, last_switch).forced == forced.gate.forced


def test_a_release_like_the_live_one_is_not_forced(stores: Stores, source: Source, tmp_path: Path) -> None:
    build(stores, source, with_model=False, activate=True)
    again = build_edited(stores, source, tmp_path, as_it_was, rows=80, force=False)
    assert again.gate.forced == ()


def test_another_model_may_have_other_neighbours(stores: Stores, source: Source) -> None:
    build(stores, source, with_model=True, activate=True)
    assert build(stores, source, with_model=False).gate.forced == ()


async def last_switch(_store: VectorStore, releases: Releases) -> Activation:
    return (await releases.state.activations())[-1]
