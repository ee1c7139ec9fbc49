"""What was given or heard counts as shown: no other row of its recording comes, told row by row by an oracle."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar.testing import TestClient

from embedding.rows.names import name_key
from indexing.columns.recordings import NO_RECORDING, Recordings
from indexing.journal.current_rows import CurrentRows
from indexing.rules.arrangement import Arrangement
from indexing.state.records import Frame
from service.app import create_app
from service.loaded.exclusions import Exclusions
from service.main import open_dependencies
from service.schemas.settings import Settings
from tests.copied_folders import copied
from tests.service.arranging.arranged_world import CONTEXT, NUM_ITEMS, ArrangedWorld, put
from tests.service.queries.test_recommend import JAZZ_FAN, SE, heard_by, ids

rows_of_world = st.frozensets(st.integers(0, NUM_ITEMS - 1), max_size=60)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> ArrangedWorld:
    return ArrangedWorld(tmp_path_factory.mktemp("given") / "world")


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from((NO_RECORDING, 0, 3, 5, 2**63 - 1)), max_size=40))
def test_rows_of_a_recording_are_found(drawn: list[int]) -> None:
    recordings = Recordings(np.array(drawn, np.int64))
    for row, recording in enumerate(drawn):
        if recording != NO_RECORDING:
            alike = [other for other, one in enumerate(drawn) if one == recording]
            assert recordings.rows_of(recording) == alike
            assert bool(recordings.is_shared[row]) == (len(alike) > 1)
        else:
            assert not recordings.is_shared[row]
    assert recordings.rows_of(4) == []


def recording(rows: CurrentRows, row: int) -> object:
    payload = rows.payload(row)
    if payload.kind != "track":
        return row
    return frozenset(map(name_key, payload.creators)), name_key(payload.title)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(
    posted=rows_of_world,
    heard=rows_of_world,
    copied_items=st.lists(st.integers(0, NUM_ITEMS - 1), max_size=4),
    arrangement=st.sampled_from((Arrangement(), Arrangement(diversity=0.4), Arrangement(max_per_creator=7))),
    limit=st.sampled_from((5, 100)),
)
def test_no_other_row_of_what_was_given_comes_and_nothing_else_is_missed(
    world: ArrangedWorld,
    posted: frozenset[int],
    heard: frozenset[int],
    copied_items: list[int],
    arrangement: Arrangement,
    limit: int,
) -> None:
    rows, over = world.fresh()
    changes = tuple(put(number, f"copy {place}") for place, number in enumerate(copied_items))
    rows.apply(Frame(world.release.manifest.journal_seq + 1, "2026-12-01T00:00:00Z", changes))
    ascending = np.array(sorted(heard), np.int32)
    # The journal's own rows may be given, too.
    asked_with = [*posted, *range(rows.num_own, rows.num_own + len(copied_items) // 2)]
    excluded = Exclusions(frozenset(asked_with), heard=ascending)
    vector = np.asarray(world.release.columns.vectors("text")[3])
    told = over.pages.given(asked_with, ascending)
    gone = {recording(rows, row) for row in (*asked_with, *heard)}
    shown = [row for row in rows.rows() if not rows.dropped[row]]
    # Those themselves are left out by the re-check.
    for row in set(shown) - heard:
        assert told.has(row) == (rows.payload(row).kind == "track" and recording(rows, row) in gone)
        assert told.has_any([row]) == told.has(row)
    ranking = over.rankings.nearest(vector, using="text", context=CONTEXT, excluded=excluded)
    page = asyncio.run(over.pages.cut(ranking, CONTEXT, limit, using="text", arrangement=arrangement, given=told))
    assert not {recording(rows, row) for row in page.rows} & gone
    if page.short_reason is not None and arrangement.max_per_creator is None:
        may_come = {
            recording(rows, row) for row in shown if world.accepts(rows, row) and row not in {*asked_with, *heard}
        }
        assert {recording(rows, row) for row in page.rows} == may_come - gone
    twice = asyncio.run(
        over.pages.cut(
            over.rankings.nearest(vector, using="text", context=CONTEXT, excluded=excluded),
            CONTEXT,
            100,
            using="text",
            arrangement=Arrangement(same_recording=True),
            given=told,
        )
    )
    assert len(twice.rows) >= len(page.rows) or limit == 100


def test_a_copy_that_is_put_is_of_its_recording(tower_world: Path, tmp_path: Path) -> None:
    (heard, *_) = sorted(item for item in heard_by(JAZZ_FAN) if item.startswith("jazz"))
    number = heard.removeprefix("jazz-")
    copy = {"id": "the single", "kind": "track", "title": f"JAZZ  number {number}", "album": "Single"}
    copy |= {"creator": f"Jazz Makers {int(number) % 5}", "text": "a calm jazz trio"}
    token = {"Authorization": "Bearer s3cret"}
    parts = open_dependencies(Settings(data_dir=copied(tower_world, tmp_path / "world"), admin_token="s3cret"))
    with TestClient(create_app(parts)) as client:
        assert client.put("/v1/items", json={"items": [copy]}, headers=token).status_code == 200

        def asked(route: str, **body: Any) -> list[str]:
            answer = client.post(f"/v1/{route}", json={"context": SE, "limit": 100, "kinds": ["track"]} | body)
            assert answer.status_code == 200, answer.text
            return ids(answer.json())

        for route, body in (
            ("similar", {"seeds": [{"id": heard}]}),
            ("recommend", {"user_id": JAZZ_FAN}),
            ("recommend", {"history": [{"id": heard}]}),
        ):
            assert "the single" not in asked(route, **body)
            assert "the single" in asked(route, **body, same_recording=True)
            told = client.post("/v1/items/the%20single/why", json={route: body | {"context": SE}}).json()
            assert (told["outcome"], told["stage"]) == ("same_recording", "arrangement")
            assert "asked with, or that the user has heard" in told["told"]
        assert heard not in asked("similar", seeds=[{"id": "the single"}])
        short = client.post("/v1/recommend", json={"user_id": JAZZ_FAN, "context": SE, "limit": 100}).json()
        assert "1 as recordings that are in the list already, or were given or heard" in short["short_reason"]
