"""`index takedown`, `lift`, `takedowns` and `history` over releases that are damaged, old or elsewhere."""

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from indexing.building.run import build_from_settings
from indexing.commands.index import index
from indexing.settings import IndexingSettings
from indexing.state.contract import Activation
from indexing.state.file_log import FileLog
from indexing.state.files import FilesState
from indexing.state.records import TakenDown
from tests.indexing.release_worlds import QUIET, Source


def typed(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(index, list(words), obj=IndexingSettings(data_dir=folder), catch_exceptions=False)


@pytest.fixture
def built(source: Source, data_dir: Path) -> Path:
    """The data folder of a live release of a few rows."""
    settings = IndexingSettings(data_dir=data_dir)
    asyncio.run(build_from_settings(source.inputs(), settings, QUIET, activate=True, text=False))
    return data_dir


def test_a_release_that_cannot_be_read_keeps_nobody_from_taking_down(built: Path) -> None:
    (release,) = json.loads(typed(built, "status", "--json").stdout)["releases"]
    assert typed(built, "takedown", "item-1").exit_code == 0
    (ids_file,) = (built / "releases" / release["id"] / "columns").glob("ids.hash*")
    ids_file.unlink()
    refused = typed(built, "takedown", "item-2")
    assert (refused.exit_code, "--ahead" in refused.stderr) == (1, True)
    assert typed(built, "takedown", "--ahead", "item-2").exit_code == 0


def test_where_the_live_release_is_not_here_that_is_said(tmp_path: Path) -> None:
    asyncio.run(FilesState(tmp_path).switch(Activation("2026-11-29T10:00:00+00:00", "activate", "r7", None)))
    refused = typed(tmp_path, "takedown", "x", "--json")
    assert json.loads(refused.stdout) == {"taken_down": [], "unknown": ["x"]}
    assert "nearfield index pull r7" in refused.stderr
    assert not (tmp_path / "journal").exists()


def test_what_earlier_versions_kept_is_listed_as_far_as_it_goes(tmp_path: Path) -> None:
    (tmp_path / "activations.jsonl").write_text(
        '{"at":"2026-10-01T10:00:00.000+00:00","action":"activate","release":"r1","previous":null}\n'
        '{"at":"2026-10-02T10:00:00.000+00:00","action":"rollback","release":"r0","previous":"r1","from_later":1}\n'
    )
    first, second = json.loads(typed(tmp_path, "history", "--json").stdout)["activations"]
    assert (first["by"], first["why"], first["forced"], first["widened"], first["without"]) == (
        None,
        None,
        [],
        False,
        [],
    )
    assert second["release"] == "r0"
    assert typed(tmp_path, "history").stdout.splitlines() == [
        "2026-10-01 10:00  activate r1",
        "2026-10-02 10:00  rollback r0 after r1",
    ]
    asyncio.run(FileLog(tmp_path / "journal").append([TakenDown("a")]))
    assert typed(tmp_path, "takedowns").stdout.startswith("a  since 20")
    (listed,) = json.loads(typed(tmp_path, "takedowns", "--json").stdout)["takedowns"]
    assert (listed["id"], listed["by"], listed["why"], listed["since_release"]) == ("a", None, None, None)


def test_a_lift_of_a_known_id_that_is_shown_is_no_failure(built: Path) -> None:
    lifted = typed(built, "lift", "item-1", "--json")
    assert (lifted.exit_code, json.loads(lifted.stdout)) == (
        0,
        {"lifted": [], "not_taken_down": ["item-1"], "unknown": []},
    )
    unknown = typed(built, "lift", "item-1", "no-such-item", "--json")
    assert (unknown.exit_code, json.loads(unknown.stdout)["unknown"]) == (1, ["no-such-item"])
