"""Text encoders that say what stands before a query and before a document, over HTTP and by the command line.

Nothing is imported of the product but its commands and its application, nor of the other tests: older builds can be
asked, too.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from litestar import Litestar
from litestar.testing import TestClient
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import BoW

from service.cli import nearfield
from service.main import build_app

Client = TestClient[Litestar]
TOKEN = {"Authorization": "Bearer of-a-test"}
SE = {"market": "SE"}
# The encoder counts these words: what a prompt adds to a text can be reckoned.
WORDS = ["rain", "piano", "sleep", "jazz"]
TITLES = {"plain": "Rain", "with-piano": "Piano Rain"}


def write_encoder(folder: Path, config: Any) -> Path:
    SentenceTransformer(modules=[BoW(vocab=WORDS)], device="cpu").save(str(folder), create_model_card=False)
    (folder / "config_sentence_transformers.json").write_text(json.dumps(config))
    return folder


def row(item_id: str, title: str) -> dict[str, Any]:
    return {"id": item_id, "kind": "track", "title": title, "creator": "Northern Lanterns"}


def build(folder: Path, config: Any) -> Any:
    """Build and activate a release of `TITLES` in the current folder."""
    encoder = write_encoder(folder, config)
    Path("nearfield.toml").write_text(f'encoder = "{encoder}"\n')
    Path("c.jsonl").write_text("".join(json.dumps(row(*of_id)) + "\n" for of_id in TITLES.items()))
    return CliRunner().invoke(nearfield, ["index", "build", "c.jsonl", "--activate"])


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("prompted")
    before = Path.cwd()
    os.chdir(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEARFIELD_ADMIN_TOKEN", "of-a-test")
        built = build(folder / "encoder", {"prompts": {"query": "piano ", "passage": "sleep "}})
        assert built.exit_code == 0, built.output
        try:
            with TestClient(build_app()) as service:
                yield service
        finally:
            os.chdir(before)


def scores(client: Client, text: str) -> dict[str, float]:
    answer = client.post("/v1/search", json={"text": text, "mode": "semantic", "context": SE})
    assert answer.status_code == 200, answer.text
    return {hit["id"]: hit["score"] for hit in answer.json()["hits"]}


def test_query_and_rows_stand_each_behind_its_own_prompt(client: Client) -> None:
    # The query is "piano rain"; the rows are "sleep rain" and "sleep piano rain".
    found = scores(client, "rain")
    assert found["with-piano"] == pytest.approx(2 / 6**0.5, abs=1e-2)
    assert found["plain"] == pytest.approx(1 / 2, abs=1e-2)


def test_a_row_that_is_put_stands_behind_the_prompt_of_rows(client: Client) -> None:
    put = client.put("/v1/items", json={"items": [row("jazz-alone", "Jazz")]}, headers=TOKEN)
    assert put.status_code == 200, put.text
    # The query is "piano jazz", the row "sleep jazz".
    assert scores(client, "jazz")["jazz-alone"] == pytest.approx(1 / 2, abs=1e-2)


def test_prompts_that_cannot_be_read_are_named_before_anything_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    built = build(tmp_path / "encoder", {"prompts": ["query: "]})
    assert built.exit_code != 0
    assert "config_sentence_transformers.json" in str(built.exception)
    assert 'expected {"prompts"' in str(built.exception)
