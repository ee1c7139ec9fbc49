"""What answers hold as a client expects it: by commands and HTTP alone.

Nothing is imported of the product but its commands and its application, nor of the other tests: older builds can be
asked, too.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from litestar.testing import TestClient

from service.cli import nearfield
from service.main import build_app

Row = dict[str, Any]
NUM_COPIES = 30
TEXT = "the lighthouse keeper and the storm of the century"
# At one second, and half a second later.
DATED = {"clock-0": "2024-05-31T18:00:00Z", "clock-1": "2024-05-31T18:00:00.700Z"}
LANGUAGES = {"said-en": "en-US", "said-sv": "sv"}
SILENT = "said-nothing"


def catalogue() -> list[Row]:
    """Tracks of two tastes and episodes, many of them alike but for their ids; a recording on an album and alone."""
    subjects = ("calm jazz trio with piano", "loud heavy metal with guitars")
    rows: list[Row] = [
        {
            "id": f"song-{n:02}",
            "kind": "track",
            "title": f"Song {n}",
            "creator": f"Band {n % 9}",
            "text": subjects[n % 2],
        }
        for n in range(40)
    ]
    rows += [
        {"id": f"copy-{n * 7 % NUM_COPIES:02}", "kind": "episode", "title": "Storm", "creator": "A show", "text": TEXT}
        for n in range(NUM_COPIES)
    ]
    rows += [
        {
            "id": f"talk-{n}",
            "kind": "episode",
            "title": f"Song {n}",
            "creator": "Talks",
            "text": f"about {subjects[n % 2]}",
        }
        for n in range(20)
    ]
    once = {"kind": "track", "title": "Late Set", "creator": "The Distant Orchards", "text": subjects[0]}
    rows += [once | {"id": "on-album", "album": "Nights"}, once | {"id": "as-single", "album": "Late Set"}]
    plain = {"kind": "episode", "creator": "Clocks", "text": "what time it is"}
    rows += [plain | {"id": item, "title": "Clock", "published_at": at} for item, at in DATED.items()]
    spoken = {"kind": "episode", "creator": "Tongues", "title": "Tongue", "text": "languages of the world"}
    rows += [spoken | {"id": item, "language": language} for item, language in LANGUAGES.items()]
    return [*rows, spoken | {"id": SILENT}]


def listens() -> list[Row]:
    """Of listeners who never like both kinds."""
    return [
        {"user_id": f"{kind}-fan-{user}", "item_id": item.format(user + 2 * step), "at": 1_700_000_000 + step}
        for kind, item in (("song", "song-{:02}"), ("talk", "talk-{}"))
        for user in range(8)
        for step in range(6)
    ]


def typed(*arguments: str) -> None:
    result = CliRunner().invoke(nearfield, list(arguments))
    assert result.exit_code == 0, (result.output, result.exception)


def write(name: str, rows: list[Row]) -> str:
    Path(name).write_text("".join(json.dumps(row) + "\n" for row in rows))
    return name


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in which a model was trained and a release built, by commands."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        files = ("--catalogue", write("c.jsonl", catalogue()), "--interactions", write("i.jsonl", listens()))
        Path("train.toml").write_text("dims = 8\nepochs = 2\n")
        typed("train", *files, "--config", "train.toml", "--split", "none", "--out", "model")
        typed("index", "build", "c.jsonl", "--model", "model", "--interactions", "i.jsonl", "--activate")
        yield folder


@pytest.fixture
def folder(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, for one test."""
    shutil.copytree(made, tmp_path / "made")
    monkeypatch.chdir(tmp_path / "made")
    monkeypatch.setenv("NEARFIELD_DEFAULT_MARKET", "SE")
    return tmp_path / "made"


class Service:
    """The application in this process."""

    def __init__(self, client: TestClient[Any]) -> None:
        self._client = client

    def get(self, path: str, **parameters: Any) -> Any:
        return self._client.get(path, params=parameters)

    def post(self, route: str, **body: Any) -> Any:
        return self._client.post(f"/v1/{route}", json=body)

    def hits(self, route: str, **body: Any) -> list[Row]:
        answer = self.post(route, **body)
        assert answer.status_code == 200, answer.text
        hits: list[Row] = answer.json()["hits"]
        return hits

    def ids(self, route: str, **body: Any) -> list[str]:
        return [hit["id"] for hit in self.hits(route, **body)]


@contextmanager
def served() -> Iterator[Service]:
    with TestClient(build_app()) as client:
        yield Service(client)


@pytest.fixture
def service(folder: Path) -> Iterator[Service]:
    del folder
    with served() as service:
        yield service


@pytest.mark.usefixtures("folder")
def test_pages_of_one_item_go_on_after_a_switch_to_a_release_without_it() -> None:
    long = "/v1/items/song-00/similar"
    with served() as before:
        whole = [hit["id"] for hit in before.get(long, limit=12).json()["hits"]]
        first = before.get(long, limit=6).json()
    rows = [row for row in catalogue() if row["id"] != "song-00"]
    typed("index", "build", write("without.jsonl", rows), "--model", "model", "--activate")
    with served() as after:
        assert after.get(long).status_code == 404
        second = after.get(long, limit=6, cursor=first["next_cursor"])
        assert second.status_code == 200, second.text
        assert second.json()["release"] == first["release"]
        assert [hit["id"] for hit in (*first["hits"], *second.json()["hits"])] == whole


@pytest.mark.parametrize(
    ("bounds", "found"),
    [
        ({"gte": "2024-05-31T18:00:00.500Z"}, {"clock-1"}),
        ({"gt": "2024-05-31T18:00:00Z"}, {"clock-1"}),
        ({"lt": "2024-05-31T18:00:00.500Z"}, {"clock-0"}),
        ({"lte": "2024-05-31T18:00:00.699999Z"}, {"clock-0"}),
        ({"gte": "2024-05-31T18:00:00.0000001Z"}, {"clock-1"}),
        ({"lt": "2024-05-31T18:00:00.0000001Z"}, {"clock-0"}),
        ({"gte": "2024-05-31T18:00:00.700Z", "lte": "2024-05-31T18:00:00.700Z"}, {"clock-1"}),
    ],
)
def test_bounds_of_a_filter_hold_to_the_fraction(service: Service, bounds: Row, found: set[str]) -> None:
    where = {"field": "published_at", "range": bounds}
    assert set(service.ids("search", text="clock", mode="lexical", filter=where)) == found


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("key", "kept_out"), [("after", 1), ("before", 1)])
def test_bounds_of_a_rule_hold_to_the_fraction(key: str, kept_out: int) -> None:
    Path("rules.toml").write_text(f'[published]\n{key} = "2024-05-31T18:00:00.500Z"\n')
    told = CliRunner().invoke(
        nearfield, ["rules", "check", "rules.toml", "--catalogue", "c.jsonl", "--market", "SE", "--json"]
    )
    assert told.exit_code == 0, told.output
    (in_sweden,) = json.loads(told.stdout)["dry_run"]["markets"]
    assert in_sweden["removed"].get("published", 0) == kept_out


def test_a_filter_by_any_language_is_of_every_row_that_has_one(service: Service) -> None:
    where = {"field": "language", "equals": "*"}
    assert set(service.ids("search", text="tongue", mode="lexical", filter=where)) == set(LANGUAGES)
    without = service.ids("search", text="tongue", mode="lexical", filter={"none": [where]})
    assert without == [SILENT]


@pytest.mark.parametrize(("asked", "meant"), [("en_US", "en-US"), ("english language", "en"), ("English", "en")])
def test_a_language_that_is_none_is_refused_with_what_was_meant(service: Service, asked: str, meant: str) -> None:
    for body in (
        {"filter": {"field": "language", "equals": asked}},
        {"filter": {"field": "language", "one_of": ["sv", asked]}},
        {"context": {"languages": ["sv", asked]}},
    ):
        answer = service.post("search", text="tongue", mode="lexical", **body)
        assert answer.status_code == 400, answer.text
        assert f"did you mean {meant}?" in answer.json()["detail"]
    told = CliRunner().invoke(nearfield, ["rules", "explain", "said-en", "--market", "SE", "--language", asked])
    assert told.exit_code != 0, told.output
    assert f"did you mean {meant}?" in str(told.exception)


@pytest.mark.parametrize(("given", "other"), [("on-album", "as-single"), ("as-single", "on-album")])
def test_other_rows_of_a_recording_that_was_given_do_not_come(service: Service, given: str, other: str) -> None:
    asked: list[tuple[str, Row]] = [
        ("similar", {"seeds": [{"id": given}]}),
        ("similar", {"seeds": [{"id": "song-00"}, {"id": given, "weight": -0.1}]}),
        ("recommend", {"history": [{"id": given}]}),
        ("search", {"text": "Late Set", "seeds": [{"id": given}]}),
    ]
    for route, body in asked:
        assert other not in service.ids(route, **body, kinds=["track"], limit=100)
        assert other in service.ids(route, **body, kinds=["track"], limit=100, same_recording=True)
    # What is excluded by its id says nothing of other rows.
    assert other in service.ids("similar", seeds=[{"id": "song-00"}], exclude=[given], kinds=["track"], limit=100)


def test_similar_without_kinds_is_of_the_kinds_of_its_seeds(service: Service) -> None:
    def found(route: str, **body: Any) -> set[tuple[str, str | None]]:
        return {(hit["kind"], hit.get("space")) for hit in service.hits(route, **body, limit=30)}

    assert found("similar", seeds=[{"id": "song-00"}]) == {("track", "tower")}
    assert found("similar", seeds=[{"id": "talk-0"}]) == {("episode", "tower")}
    assert found("recommend", user_id="song-fan-1") == {("track", "tower")}
    assert found("recommend", history=[{"id": "talk-1"}, {"id": "song-01"}, {"id": "talk-2"}]) == {("episode", "tower")}
    both = found("similar", seeds=[{"id": "song-00"}], kinds=["track", "episode"])
    assert both == {("track", "tower"), ("episode", "text")}
    assert found("similar", seeds=[{"id": "song-00"}], mix={"track": 1, "episode": 1}) == both
    by_get = service.get("/v1/items/song-00/similar", limit=30).json()["hits"]
    assert {hit["kind"] for hit in by_get} == {"track"}


def force(plan: Row) -> None:
    """From now on every shape of request is answered by this plan."""
    (path,) = Path(".nearfield/plans").glob("*/*.json")
    plans = json.loads(path.read_text())
    like, shapes = plans["shapes"][0], []
    fields = ["availability_class", "explicit", "kind", "languages", "min_age"]
    for using in ("tower", "text"):
        for band in (0.5, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0):
            shape = {"using": using, "fields": fields, "band": band}
            shapes.append(like | {"shape": shape, "chosen": like["chosen"] | {"plan": plan}})
    path.write_text(json.dumps(plans | {"shapes": shapes}))


@pytest.mark.parametrize(
    "plan",
    [
        {"exact": True, "ef": None, "acorn": False},
        {"exact": False, "ef": 64, "acorn": False},
        {"exact": False, "ef": 64, "acorn": True},
    ],
    ids=["exact", "graph", "acorn"],
)
@pytest.mark.usefixtures("folder")
def test_ties_stand_by_row_at_every_limit_also_where_the_engine_is_asked(plan: Row) -> None:
    force(plan)
    body: Row = {"text": TEXT, "mode": "semantic", "kinds": ["episode"]}
    with served() as service:
        hits = service.hits("search", **body, limit=NUM_COPIES)
        assert len({hit["score"] for hit in hits}) == 1
        # By row: as the catalogue has them.
        in_order = [row["id"] for row in catalogue() if row["id"].startswith("copy-")]
        assert [hit["id"] for hit in hits] == in_order
        for limit in (1, 5, 20):
            assert service.ids("search", **body, limit=limit) == in_order[:limit]
        cursor: Row = {}
        listed: list[str] = []
        for _ in range(6):
            page = service.post("search", **body, limit=5, **cursor).json()
            listed += [hit["id"] for hit in page["hits"]]
            cursor = {"cursor": page["next_cursor"]}
        assert listed == in_order
