"""`index build`, `diff` and `sync` by a map of columns, as typed."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from embedding.errors import UsageError
from indexing.building.stages import started_with
from indexing.commands.index import index
from indexing.settings import IndexingSettings
from tests.indexing.release_worlds import Source

MAP = """
[catalogue.fields]
id = "Code"
duration_s = { column = "Length", unit = "ms" }

[interactions.fields]
item_id = "Code"
"""


class Typed:
    """The commands over one folder whose catalogue has columns of its own; the same rows lie in the source's files."""

    def __init__(self, folder: Path, source: Source) -> None:
        self.settings = IndexingSettings(data_dir=folder / ".nearfield", cache_dir=source.cache_dir)
        self.plain = [folder / "plain.jsonl", source.interactions]
        rows = [json.loads(line) | {"duration_s": 180.5} for line in source.catalogue.read_bytes().splitlines()]
        self.write(self.plain[0], rows)
        self.mapped = [folder / "mapped.jsonl", folder / "plays.jsonl"]
        changed = [{**row, "Code": row["id"], "Length": row["duration_s"] * 1000} for row in rows]
        self.write(self.mapped[0], [without(row, "id", "duration_s") for row in changed])
        listens = [json.loads(line) for line in source.interactions.read_bytes().splitlines()]
        self.write(self.mapped[1], [without({**row, "Code": row["item_id"]}, "item_id") for row in listens])
        self.map = folder / "map.toml"
        self.map.write_text(MAP)

    def __call__(self, *words: str) -> Result:
        return CliRunner().invoke(index, [*words, "--json"], obj=self.settings)

    @staticmethod
    def write(path: Path, rows: list[dict[str, Any]]) -> None:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


@pytest.fixture
def typed(tmp_path: Path, source: Source) -> Typed:
    return Typed(tmp_path, source)


def test_a_release_by_a_map_is_that_of_the_plain_rows_and_is_synced_by_it(typed: Typed) -> None:
    catalogue, listens = map(str, typed.mapped)
    by_map = ("--map", str(typed.map))
    built = typed("build", catalogue, "--interactions", listens, *by_map, "--activate")
    assert built.exception is None
    told = json.loads(built.stdout)
    assert (told["counts"]["rejected_rows"], told["counts"]["rejected_interactions"]) == (0, 0)
    for words in (("diff", str(typed.plain[0])), ("diff", catalogue, *by_map), ("sync", catalogue, *by_map)):
        same = json.loads(typed(*words).stdout)
        assert (same["added"], same["changed"], same["payload_changed"], same["removed"]) == (0, 0, 0, 0)
    # Without the map no row is good.
    assert typed("diff", catalogue).exception is not None
    # Another map reads the same lines otherwise: none is taken as it was.
    typed.map.write_text(MAP.replace('"ms"', '"s"').replace("Length", "Seconds"))
    rows = [json.loads(line) for line in typed.mapped[0].read_bytes().splitlines()]
    typed.write(typed.mapped[0], [without({**row, "Seconds": 1}, "Length") for row in rows])
    changed = json.loads(typed("diff", catalogue, *by_map).stdout)
    assert changed["unchanged"] == 0


def test_a_build_by_another_map_does_not_go_on_with_an_unfinished_one(
    typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []

    def stop(folder: Path, *_: object) -> None:
        start = started_with(folder)
        assert start is not None
        begun.append(start.inputs)
        raise UsageError("stopped")

    monkeypatch.setattr("indexing.building.build._build", stop)
    catalogue = str(typed.mapped[0])
    for text in (MAP, MAP, MAP.replace('"ms"', '"s"')):
        typed.map.write_text(text)
        assert str(typed("build", catalogue, "--map", str(typed.map)).exception) == "stopped"
    assert begun[0] == begun[1] != begun[2]


def test_a_map_that_is_none_stops_before_anything_is_read(typed: Typed) -> None:
    typed.map.write_text("[catalogue.feilds]\n")
    for command in ("build", "diff", "sync"):
        result = typed(command, str(typed.mapped[0]), "--map", str(typed.map))
        assert isinstance(result.exception, UsageError)
        assert "did you mean fields?" in str(result.exception)
