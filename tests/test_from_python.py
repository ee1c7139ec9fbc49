"""Nearfield from a Python program and from a notebook, and its vectors as files: as a user would, by what is typed.

Nothing is imported of the product but its commands: older builds can be asked, too.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
from click.testing import CliRunner, Result

from service.cli import nearfield

ROOT = Path(__file__).parent.parent
GOOD = {"kind": "track", "creator": "A band", "text": "calm jazz"}
IDS = [f"track-{number}" for number in range(12)]
# An id that no list with commas, nor one with a line for each, would hold as it is.
ODD_ID = 'a,"b" ç'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a small release was built, and one of its items taken down since."""
    made = tmp_path_factory.mktemp("from-python")
    rows = [{"id": item_id, "title": f"Title {place}", **GOOD} for place, item_id in enumerate([*IDS, ODD_ID])]
    (made / "c.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert typed(made, "index", "build", "c.jsonl", "--activate").exit_code == 0
    assert typed(made, "index", "takedown", IDS[3]).exit_code == 0
    return made


def typed(folder: Path, *arguments: str) -> Result:
    before = Path.cwd()
    os.chdir(folder)
    try:
        return CliRunner().invoke(nearfield, list(arguments))
    finally:
        os.chdir(before)


def live(folder: Path) -> str:
    found: str = json.loads(typed(folder, "index", "status", "--json").stdout)["live"]
    return found


def python(folder: Path, code: str) -> "subprocess.CompletedProcess[str]":
    """A program of its own, as a user's would run; the packages are those of these tests."""
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        start_new_session=True,
        check=False,
    )


def test_a_client_is_there_and_loads_nothing_heavy(tmp_path: Path) -> None:
    code = """
import sys
import nearfield
heavy = {"numpy", "torch", "litestar", "httpx", "qdrant_edge", "pyarrow"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
with nearfield.Client("http://127.0.0.1:9", retries=nearfield.NO_RETRIES) as client:
    try:
        client.search("jazz", context={"market": "SE"})
    except nearfield.NoAnswerError as error:
        print(error)
assert nearfield.AsyncClient
assert not {"numpy", "torch", "litestar", "embedding", "indexing", "service"} & set(sys.modules)
"""
    done = python(tmp_path, code)
    assert done.returncode == 0, done.stderr
    assert "POST /v1/search: no answer after 1 try" in done.stdout


def test_a_release_is_opened_as_numpy(folder: Path) -> None:
    code = """
import sys
import numpy as np
import nearfield
release = nearfield.open("live")
ids, vectors = release.vectors()
assert not {"torch", "sentence_transformers"} & set(sys.modules)
assert vectors.dtype == np.float32 and vectors.shape == (len(ids), 384)
(near,) = release.neighbours("track-0", k=3)
print(len(ids), "track-3" in ids, len(near.ids), "track-0" in near.ids, round(float(np.linalg.norm(vectors[0])), 3))
"""
    done = python(folder, code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["12", "False", "3", "False", "1.0"]


@pytest.mark.parametrize("wrong", ["r20200101000000000", "lively"])
def test_a_wrong_name_is_told_with_what_there_is(folder: Path, wrong: str) -> None:
    told = typed(folder, "export", "vectors", wrong, "--to", "npy")
    assert told.exit_code == 1
    assert live(folder) in str(told.exception)


def test_vectors_are_exported_to_parquet(folder: Path) -> None:
    done = typed(folder, "export", "vectors", live(folder), "--to", "parquet", "--out", "parquet")
    assert done.exit_code == 0, done.output
    (file,) = (folder / "parquet").glob("*.parquet")
    table = pq.read_table(file)
    assert table.column_names == ["id", "vector"]
    assert sorted(table["id"].to_pylist()) == sorted({*IDS, ODD_ID} - {IDS[3]})
    assert {len(vector) for vector in table["vector"].to_pylist()} == {384}


def test_vectors_are_exported_to_npy_in_the_order_of_their_ids(folder: Path) -> None:
    done = typed(folder, "export", "vectors", "live", "--to", "npy", "--json")
    assert done.exit_code == 0, done.output
    told: dict[str, Any] = json.loads(done.stdout)
    assert (told["release"], told["rows"], told["dims"]) == (live(folder), 12, 384)
    array, listed = (folder / name for name in told["files"])
    vectors, ids = np.load(array, allow_pickle=False), json.loads(listed.read_text(encoding="utf-8"))
    assert (vectors.dtype, vectors.shape) == (np.float32, (len(ids), 384))
    assert ODD_ID in ids
    as_table = typed(folder, "export", "vectors", "live", "--to", "parquet")
    assert as_table.exit_code == 0, as_table.output
    rows = pq.read_table(folder / as_table.stdout.strip()).to_pylist()
    for row in rows:
        np.testing.assert_array_equal(np.array(row["vector"], np.float32), vectors[ids.index(row["id"])])
