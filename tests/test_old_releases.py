"""A data folder of an old build does all that one of today does: it is read, served, changed, compacted and left."""

import asyncio
import json
import shutil
import tarfile
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from embedding.progress import Reporter
from embedding.rows.names import FIRST_NAMES_VERSION, NAMES_VERSION
from embedding.towers.model_folder import verify_model
from embedding.towers.tower_loading import load_towers
from indexing.building.build import BuildInputs
from indexing.building.compaction import compact
from indexing.building.run import build_from_settings
from indexing.journal.takedowns import taken_down
from indexing.release.manifest import read_manifest, verify_files
from indexing.releases.activation import activate, rollback
from indexing.releases.known_lines import State, lines_path, load_lines
from indexing.releases.pull import pull_release, wanted_release
from indexing.releases.push import push_release
from indexing.releases.workspace import Workspace, open_workspace
from indexing.rules.declaration import rules_version
from indexing.rules.reading import read_rules
from indexing.search.plans_file import read_plans
from indexing.settings import StorePlace
from indexing.state.file_log import FileReader
from indexing.state.file_rules import AcceptedRules
from indexing.state.open_places import move_from
from indexing.state.records import Encoded, Lifted, Put, Removed, TakenDown
from indexing.sync.run import run_diff, run_sync
from indexing.words.first_bm25 import first_words_hash
from service.app import create_app
from service.main import open_dependencies
from service.schemas.load_settings import load_settings
from tests.indexing.kinds_of_store import quick_folder
from tests.postgres_server import shared_server

T = TypeVar("T")

QUIET = Reporter("none")
# Scores are given with six digits; the last bits are those of the machine that multiplied.
TOLERANCE = 2e-5
# A text is encoded with numbers of eight bits, where the processor has them: no two makes round them alike.
TEXT_TOLERANCE = 2e-3
# One folder for each old build, with a README that says how it was made.
FIXTURES = sorted(path.parent for path in (Path(__file__).parent / "fixtures").glob("*/data.tar.xz"))


class Asked(NamedTuple):
    """A request, and what the old build answered."""

    path: str
    body: dict[str, Any]
    answer: dict[str, Any]

    @property
    def by_words(self) -> bool:
        """Whether words count in it: how much each does depends on all rows that a release was built of."""
        return self.path == "/v1/search" and self.body.get("mode", "hybrid") != "semantic"

    @property
    def tolerance(self) -> float:
        """How far numbers may differ from one processor to another."""
        return TEXT_TOLERANCE if "text" in self.body else TOLERANCE


class OldFolder:
    """A copy of a fixture, in which commands may be typed, and what its build answered."""

    def __init__(self, fixture: Path, folder: Path) -> None:
        with tarfile.open(fixture / "data.tar.xz") as packed:
            packed.extractall(folder, filter="data")
        self.folder = folder
        # Listeners have heard two items that the catalogue no longer has.
        self.settings = load_settings(folder, {}, {"max_reject_share": 0.1, "encoder_wait_s": 60.0})
        asked = [Asked(**asked) for asked in json.loads((fixture / "answers.json").read_text())]
        # By what formula words and meaning are joined is a matter of the build that serves.
        joined = [Asked(**asked) for asked in json.loads((fixture / "hybrid_answers.json").read_text())]
        self.asked = [next((one for one in joined if one.body == then.body), then) for then in asked]
        self.live, self.older = (asked.answer["release"] for asked in self.asked[:2])

    def of_live(self, *, by_words: bool = True) -> list[Asked]:
        """What was asked of the live release; `by_words` or by vectors alone."""
        return [asked for asked in self.asked if "release" not in asked.body and (by_words or not asked.by_words)]

    def of_older(self) -> list[Asked]:
        """What was asked of the older release by name, as if it were live."""
        pinned = [asked for asked in self.asked if "release" in asked.body]
        return [
            asked._replace(body={key: value for key, value in asked.body.items() if key != "release"})
            for asked in pinned
        ]

    @contextmanager
    def served(self) -> Iterator[TestClient[Litestar]]:
        """The application over the folder, in this process."""
        with TestClient(create_app(open_dependencies(self.settings))) as client:
            yield client

    def work(self, work: Callable[[Workspace], Awaitable[T]]) -> T:
        """What `work(place)` gives, as a command would do it."""

        async def run() -> T:
            async with open_workspace(self.settings) as workspace:
                return await work(workspace)

        return asyncio.run(run())


@pytest.fixture(scope="module", autouse=True)
def encoders_loaded_to_the_end() -> Iterator[None]:
    """As for the tests of service: no thread is inside torch when the interpreter ends."""
    yield
    for thread in threading.enumerate():
        if thread.name == "load-encoder":
            thread.join()


@pytest.fixture(params=FIXTURES, ids=lambda path: path.name)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OldFolder]:
    with quick_folder(tmp_path) as folder:
        yield OldFolder(request.param, folder)


def ask(client: TestClient[Litestar], path: str, body: dict[str, Any]) -> Any:
    """What is answered, as far as old builds said it; without a word of kinds they took both."""
    kinds = {} if body.keys() & {"kinds", "mix"} else {"kinds": ["track", "episode"]}
    answer = client.post(path, json=kinds | body)
    assert answer.status_code == 200, answer.text
    came = answer.json()
    for hit in came["hits"]:
        hit.pop("space", None)
        if (explained := hit.get("explain")) is not None:
            explained.pop("hybrid", None)
            explained["score"].pop("own_language")
    return came


def other_hits(
    client: TestClient[Litestar], asked: Sequence[Asked], *, encoded_here: bool = False
) -> list[tuple[Asked, Any]]:
    """Requests that are not answered by the hits that the old build gave, with those that came.

    `encoded_here`: texts of rows were encoded on this machine.
    """
    came = [(one, ask(client, one.path, one.body)["hits"]) for one in asked]
    return [
        (one, hits)
        for one, hits in came
        if not alike(hits, one.answer["hits"], TEXT_TOLERANCE if encoded_here else one.tolerance)
    ]


def found_by_word(client: TestClient[Litestar], word: str) -> list[str]:
    hits = ask(client, "/v1/search", {"text": word, "mode": "lexical"})["hits"]
    return [hit["id"] for hit in hits]


def change(client: TestClient[Litestar], old: OldFolder, method: str, path: str, body: object = None) -> Any:
    headers = {"Authorization": f"Bearer {old.settings.admin_token}"}
    answer = client.request(method, path, json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def alike(came: Any, expected: Any, tolerance: float) -> bool:
    """Whether they are the same but for the last bits of numbers, and for cursors, each of which holds its time."""
    if isinstance(expected, dict):
        keys = expected.keys() - {"next_cursor"}
        return came.keys() - {"next_cursor"} == keys and all(alike(came[key], expected[key], tolerance) for key in keys)
    if isinstance(expected, list):
        return len(came) == len(expected) and all(
            alike(one, other, tolerance) for one, other in zip(came, expected, strict=True)
        )
    if isinstance(expected, float):
        return bool(abs(came - expected) <= tolerance)
    return bool(came == expected)


def read_catalogue(old: OldFolder) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (old.folder / "catalogue.jsonl").read_text().splitlines()]


def write_catalogue(old: OldFolder, name: str, rows: list[dict[str, Any]]) -> Path:
    path = old.folder / name
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return path


def test_every_part_of_it_is_read(old: OldFolder) -> None:
    data_dir = old.settings.data_dir

    async def look(workspace: Workspace) -> None:
        assert await workspace.releases.live_id() == old.live
        assert await workspace.releases.previous_id() == old.older
        assert [manifest.id for manifest in workspace.releases.manifests()] == [old.older, old.live]
        assert workspace.releases.damaged() == {}
        for manifest in workspace.releases.manifests():
            release = workspace.releases.open(manifest.id)
            verify_files(release.folder, manifest)
            await release.check_collection(workspace.store)
            assert manifest.counts.passages == len(release.passages or ()) > 0
            assert len(release.users) == manifest.counts.users > 0
            assert set(manifest.dims) == {"tower", "text"}
            assert manifest.extra_fields == ("extra.integer.bpm", "extra.keyword.mood")
            # As old as it is, words and rules of today can be compared with its own.
            release.checked_words_way()
            for version in (manifest.rules_version, AcceptedRules(data_dir / "rules").current()[0]):
                plans = read_plans(data_dir, manifest.id, version)
                assert (plans is None) == (manifest.id == old.older and version != manifest.rules_version)
        rows = await workspace.live()
        assert rows.taken_down.keys() == {"jazz-2", "crime-2"}
        known = load_lines(lines_path(data_dir, old.live), State(old.live, rows.rows_seq, "0.1.0"))
        assert known is not None
        assert len(known) == len(read_catalogue(old))

    old.work(look)
    frames = FileReader(data_dir / "journal" / "changes.log").read()
    assert {type(change) for frame in frames for change in frame.changes} == {Put, Removed, TakenDown, Lifted, Encoded}
    ruleset, _ = read_rules(old.settings.rules)
    assert AcceptedRules(data_dir / "rules").current() == (rules_version(ruleset), ruleset)
    for name, release in (("model", old.older), ("other-model", old.live)):
        model = verify_model(old.folder / name)
        towers = load_towers(data_dir / "releases" / release / "model")
        assert towers.model_hash == model.hash


def test_it_is_served_by_a_host_that_pulled_it(old: OldFolder, tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    here, there = old.settings.data_dir, tmp_path / "there"
    old.settings = msgspec.structs.replace(old.settings, release_store=StorePlace(tmp_path / "store"))

    async def send(workspace: Workspace) -> None:
        for release_id in (old.older, old.live):
            await push_release(workspace, release_id, QUIET)

    async def take(workspace: Workspace) -> None:
        for release_id in (await wanted_release(workspace), old.older):
            await pull_release(workspace, release_id, QUIET)

    def hits_of(old: OldFolder) -> list[Any]:
        with old.served() as client:
            return [ask(client, asked.path, asked.body)["hits"] for asked in old.of_live()]

    answers = hits_of(old)
    old.work(send)
    # All but what goes through the store.
    shutil.copytree(here, there, ignore=shutil.ignore_patterns("releases", "plans", "lines"))
    old.settings = msgspec.structs.replace(old.settings, data_dir=there)
    old.work(take)
    for name in ("plans", "lines"):
        paths = [path.relative_to(here) for path in (here / name).rglob("*") if path.is_file()]
        assert {path: (there / path).read_bytes() for path in paths} == {
            path: (here / path).read_bytes() for path in paths
        }
    assert hits_of(old) == answers
    assert old.work(rollback) == old.older


def test_it_answers_as_its_build_did(old: OldFolder) -> None:
    with old.served() as client:
        for asked in old.asked:
            came = ask(client, asked.path, asked.body)
            assert alike(came, asked.answer, asked.tolerance), (asked, came)


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: path.name)
def test_another_formula_of_hybrid_finds_the_same_items(fixture: Path) -> None:
    before = [Asked(**asked) for asked in json.loads((fixture / "answers.json").read_text())]
    changed = [Asked(**asked) for asked in json.loads((fixture / "hybrid_answers.json").read_text())]
    assert len(changed) == 4
    for since in changed:
        (then,) = (asked for asked in before if asked.body == since.body)
        assert {hit["id"] for hit in since.answer["hits"]} == {hit["id"] for hit in then.answer["hits"]}


def test_it_answers_the_same_once_its_state_is_in_a_database(old: OldFolder) -> None:
    frames = FileReader(old.settings.data_dir / "journal" / "changes.log").read()
    hidden = old.work(lambda workspace: taken_down(workspace.state))
    old.settings = msgspec.structs.replace(old.settings, state_url=shared_server().new_database(), host_name="one")
    moved = asyncio.run(move_from("files", old.settings))
    assert (moved.end, moved.live) == (len(frames), old.live)
    with old.served() as client:
        for asked in old.asked:
            came = ask(client, asked.path, asked.body)
            assert alike(came, asked.answer, asked.tolerance), (asked, came)
        assert old.work(lambda workspace: taken_down(workspace.state)) == hidden != set()
        change(client, old, "PUT", "/v1/items/metal-8/takedown")
        assert client.get("/v1/items/metal-8").status_code == 404
    # And back, with what was changed there.
    asyncio.run(move_from("database", old.settings))
    old.settings = msgspec.structs.replace(old.settings, state_url=None)
    assert old.work(lambda workspace: taken_down(workspace.state)) == {*hidden, "metal-8"}
    with old.served() as client:
        change(client, old, "DELETE", "/v1/items/metal-8/takedown")
        assert other_hits(client, old.of_live()) == []


def test_it_is_synced_there_and_back(old: OldFolder) -> None:
    rows = read_catalogue(old)
    same, _ = asyncio.run(run_diff(old.folder / "catalogue.jsonl", old.settings, QUIET))
    assert (same.diff.unchanged, same.diff.num_changes) == (len(rows), 0)
    changed = [row for row in rows if row["id"] != "metal-8"]
    changed.append(rows[0] | {"id": "jazz-late", "title": "Jazz from Oslo"})
    changed[3] = changed[3] | {"text": "a choir of whales"}
    changed[4] = changed[4] | {"duration_s": 12}
    catalogue = write_catalogue(old, "changed.jsonl", changed)
    with old.served() as client:
        done = asyncio.run(run_sync(catalogue, old.settings, QUIET)).diff
        assert (done.added, done.changed, done.payload_changed, done.removed) == (1, 1, 1, 1)
        assert done.unchanged == len(rows) - 3
        assert client.get("/v1/items/jazz-late").status_code == 200
        assert client.get("/v1/items/metal-8").status_code == 404
        # The whales' vector is another, so that what is near has moved.
        assert other_hits(client, old.of_live())
        undone = asyncio.run(run_sync(old.folder / "catalogue.jsonl", old.settings, QUIET)).diff
        assert (undone.added, undone.changed, undone.payload_changed, undone.removed) == (1, 1, 1, 1)
        assert other_hits(client, old.of_live(), encoded_here=True) == []


def test_a_name_is_hidden_in_every_spelling(old: OldFolder) -> None:
    def makers(client: TestClient[Litestar], **context: object) -> set[str]:
        body = {"text": "jazz", "mode": "lexical", "limit": 50, "context": context}
        return {hit["creator"] for hit in ask(client, "/v1/search", body)["hits"]}

    with old.served() as client:
        assert "Jazz Maker 1" in makers(client)
        for spelling in ("Jazz Maker 1", "JAZZ MAKER\u00a01", "Ja\u200bzz Maker 1\u200e", "ｊａｚｚ maker 1"):
            assert "Jazz Maker 1" not in makers(client, blocked_creators=[spelling])
        for creator in ("A\u200b New Name", "Don’t"):
            new = read_catalogue(old)[0] | {"id": "jazz-put", "title": "Jazz from Oslo", "creator": creator}
            change(client, old, "PUT", "/v1/items", {"items": [new]})
            assert creator in makers(client)
            assert creator not in makers(client, blocked_creators=["a new name", "don't"])


def test_it_is_put_to_taken_down_and_compacted(old: OldFolder) -> None:
    new = read_catalogue(old)[0] | {"id": "jazz-put", "title": "Jazz from Oslo"}
    with old.served() as client:
        change(client, old, "PUT", "/v1/items", {"items": [new]})
        assert found_by_word(client, "Oslo") == ["jazz-put"]
        change(client, old, "PUT", "/v1/items/jazz-put/takedown")
        assert found_by_word(client, "Oslo") == []
        change(client, old, "DELETE", "/v1/items/jazz-put/takedown")
        assert found_by_word(client, "Oslo") == ["jazz-put"]
        change(client, old, "DELETE", "/v1/items/jazz-put")
        assert other_hits(client, old.of_live()) == []
    compacted = old.work(lambda workspace: compact(workspace, QUIET))
    assert compacted is not None
    assert compacted.lineage == (old.live,)
    before = read_manifest(old.settings.data_dir / "releases" / old.live)
    # Nothing is encoded and nothing cut anew; names have the keys of today.
    assert (before.names_version, compacted.names_version) == (FIRST_NAMES_VERSION, NAMES_VERSION)
    assert before.words_hash == compacted.words_hash == first_words_hash()
    with old.served() as client:
        assert ask(client, *old.asked[0][:2])["release"] == compacted.id
        assert other_hits(client, old.of_live(by_words=False), encoded_here=True) == []
        assert found_by_word(client, "Quito") == ["jazz-new"]
    # A compaction is no step to go back to.
    assert old.work(lambda workspace: workspace.releases.previous_id()) == old.older


def test_a_release_is_built_beside_it_switched_to_and_rolled_back(old: OldFolder) -> None:
    inputs = BuildInputs(
        catalogue=old.folder / "catalogue.jsonl",
        model=old.folder / "other-model",
        interactions=old.folder / "interactions.jsonl",
    )
    built = asyncio.run(build_from_settings(inputs, old.settings, QUIET, activate=True))
    with old.served() as client:
        assert ask(client, *old.asked[0][:2])["release"] == built.id
        assert found_by_word(client, "Quito") == ["jazz-new"]
        assert client.get("/v1/items/crime-2").status_code == 404
    assert old.work(rollback) == old.live
    with old.served() as client:
        assert other_hits(client, old.of_live()) == []
    old.work(lambda workspace: activate(workspace, old.older))
    with old.served() as client:
        assert other_hits(client, old.of_older()) == []


def test_rows_published_to_the_microsecond_stand_beside_its_own(old: OldFolder) -> None:
    rows = read_catalogue(old)
    moment = "2024-05-31T18:00:00.25Z"
    kept = next(row for row in rows if "published_at" in row)

    def passing(client: TestClient[Litestar], bound: str, time: str) -> set[str]:
        condition = {"field": "published_at", "range": {bound: time}}
        found = set()
        body = {"text": "music", "mode": "semantic", "limit": 100, "filter": condition}
        while True:
            answer = ask(client, "/v1/search", body)
            found |= {hit["id"] for hit in answer["hits"]}
            if "next_cursor" not in answer:
                return found
            body["cursor"] = answer["next_cursor"]

    def check(client: TestClient[Litestar]) -> None:
        assert client.get("/v1/items/jazz-us").json()["published_at"] == moment
        # Its own are whole seconds, and shown as ever.
        assert client.get(f"/v1/items/{kept['id']}").json()["published_at"] == f"{kept['published_at']}T00:00:00Z"
        assert passing(client, "gte", moment) - passing(client, "gt", moment) == {"jazz-us"}
        assert passing(client, "lte", moment) - passing(client, "lt", moment) == {"jazz-us"}
        assert passing(client, "gt", "2024-05-31T18:00:00Z") >= {"jazz-us"}
        assert "jazz-us" not in passing(client, "lte", "2024-05-31T18:00:00Z")

    # The rules cap how many of a creator are shown.
    new = rows[0] | {"id": "jazz-us", "title": "Jazz from Oslo", "creator": "Jazz Newcomer", "published_at": moment}
    with old.served() as client:
        change(client, old, "PUT", "/v1/items", {"items": [new]})
        check(client)
        change(client, old, "DELETE", "/v1/items/jazz-us")
        assert other_hits(client, old.of_live()) == []
        change(client, old, "PUT", "/v1/items", {"items": [new]})
    # In a release of its own the fraction is in columns and engine.
    compacted = old.work(lambda workspace: compact(workspace, QUIET))
    assert compacted is not None
    with old.served() as client:
        check(client)
    # The row that it has is the one that a catalogue would say.
    catalogue = write_catalogue(old, "with-moment.jsonl", [*rows, new])
    same, _ = asyncio.run(run_diff(catalogue, old.settings, QUIET))
    assert (same.diff.unchanged, same.diff.num_changes) == (len(rows) + 1, 0)
